// SPDX-License-Identifier: Apache-2.0
#include "app/settings_table.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "app/settings_rows.hpp"
#include "util/assert.hpp"

namespace roomcast {

namespace {

std::vector<SettingRow> make_table() {
    std::vector<SettingRow> rows;
    setting_rows::append_listening(rows);
    setting_rows::append_process(rows);
    setting_rows::append_access(rows);
    setting_rows::append_http_api(rows);
    setting_rows::append_presence(rows);
    setting_rows::append_messages(rows);
    setting_rows::append_connections(rows);
    setting_rows::append_deadlines(rows);
    setting_rows::append_logs(rows);
    setting_rows::append_brokers(rows);
    return rows;
}

constexpr std::string_view kFileSuffix = "_FILE";

/// Levenshtein's: the least number of letters to put in, take out or replace.
std::size_t edit_distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < from.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < to.size(); ++j) {
            const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

std::string with_case(std::string_view text, char from, char to, char first, char last) {
    std::string changed(text);
    for (char& c : changed) {
        if (c == from) {
            c = to;
        } else if (c >= first && c <= last) {
            c = static_cast<char>(c ^ 0x20);  // ASCII: the other case
        }
    }
    return changed;
}

}  // namespace

std::string flag_of(std::string_view variable) {
    return "--" + with_case(variable, '_', '-', 'A', 'Z');
}

std::string toml_key_of(std::string_view variable) {
    return with_case(variable, '_', '_', 'A', 'Z');
}

std::string variable_of_flag(std::string_view flag) {
    return with_case(flag.substr(std::min<std::size_t>(2, flag.size())), '-', '_', 'a', 'z');
}

std::string variable_of_toml_key(std::string_view key) {
    return with_case(key, '_', '_', 'a', 'z');
}

std::span<const SettingRow> settings_table() {
    static const std::vector<SettingRow> kTable = make_table();
    return kTable;
}

SettingName find_setting(std::string_view variable) {
    const auto find_row = [](std::string_view name) -> const SettingRow* {
        for (const SettingRow& row : settings_table()) {
            if (row.variable == name) return &row;
        }
        return nullptr;
    };
    if (const SettingRow* row = find_row(variable)) return {row, false};
    if (!variable.ends_with(kFileSuffix)) return {};
    const SettingRow* row = find_row(variable.substr(0, variable.size() - kFileSuffix.size()));
    if (!row || row->is_path) return {};
    return {row, true};
}

std::string nearest_variable(std::string_view unknown) {
    constexpr std::size_t kLongestCompared = 64;
    if (unknown.size() > kLongestCompared) return {};
    std::size_t best_distance = 1 + unknown.size() / 4;  // further away is no slip of the pen
    std::string best;
    for (const SettingRow& row : settings_table()) {
        const std::size_t distance = edit_distance(unknown, row.variable);
        if (distance > best_distance || (distance == best_distance && !best.empty())) continue;
        best_distance = distance;
        best = row.variable;
    }
    return best;
}

std::string_view group_title(SettingGroup group) {
    switch (group) {
        case SettingGroup::listening:
            return "Listening";
        case SettingGroup::process:
            return "Process";
        case SettingGroup::access:
            return "Clients' tokens and origins";
        case SettingGroup::http_api:
            return "HTTP API";
        case SettingGroup::presence:
            return "Presence";
        case SettingGroup::messages:
            return "Messages and requests";
        case SettingGroup::connections:
            return "Connections";
        case SettingGroup::deadlines:
            return "Deadlines";
        case SettingGroup::logs:
            return "Logs";
        case SettingGroup::brokers:
            return "Brokers and stores";
    }
    ASSERT(false);
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// How the rows of the settings table are written: one builder for each kind of value. For the
// settings_rows_*.cpp files alone.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "app/settings_parse.hpp"
#include "app/settings_table.hpp"

namespace roomcast::setting_rows {

using Group = SettingGroup;
using Assign = std::function<Complaint(Settings&, std::string_view)>;

inline constexpr std::int64_t kMebi = 1'048'576;

struct Bounds {
    std::int64_t lowest;
    std::int64_t highest;
};

// What a row says besides its value's type: kept apart so that each row reads as one sentence.
struct Words {
    std::string variable;
    std::string help;
    std::string default_note = {};
};

// A duration counts in the unit that its variable ends in.
template <std::integral Number>
std::int64_t count_of(Number number) {
    return static_cast<std::int64_t>(number);
}

template <class Count, class Period>
std::int64_t count_of(std::chrono::duration<Count, Period> duration) {
    return duration.count();
}

/// A whole number or a duration. `field` gives the place of the value in Settings; its default is
/// the one that stands there.
template <class FieldOf>
SettingRow number_row(Group group, const Words& words, Bounds bounds, FieldOf field) {
    using Value = std::remove_cvref_t<decltype(field(std::declval<Settings&>()))>;
    Settings defaults;
    return {
        .variable = words.variable,
        .group = group,
        .default_text = words.default_note.empty() ? std::to_string(count_of(field(defaults))) : "",
        .default_note = words.default_note,
        .allowed = "a whole number from " + std::to_string(bounds.lowest) + " to " +
                   std::to_string(bounds.highest),
        .help = words.help,
        .assign = [bounds, field](Settings& settings, std::string_view text) -> Complaint {
            const auto number = parse_whole_number(text, bounds.lowest, bounds.highest);
            if (!number) return std::string();
            if constexpr (std::integral<Value>) {
                field(settings) = static_cast<Value>(*number);
            } else {
                field(settings) = Value(*number);
            }
            return std::nullopt;
        },
    };
}

template <class Value>
SettingRow number(Group group, const Words& words, Bounds bounds, Value Settings::*member) {
    return number_row(
        group, words, bounds, [member](Settings& settings) -> Value& { return settings.*member; });
}

template <class Value>
SettingRow limit(Group group, const Words& words, Bounds bounds, Value Limits::*member) {
    return number_row(group, words, bounds, [member](Settings& settings) -> Value& {
        return settings.limits.*member;
    });
}

template <class Value>
struct Choice {
    std::string_view word;
    Value value;
};

/// One of a few words; the first is the default.
template <class Value>
SettingRow choice(Group group,
                  const Words& words,
                  std::initializer_list<Choice<Value>> listed,
                  Value Settings::*member) {
    const std::vector<Choice<Value>> choices(listed);
    std::string allowed;
    for (const auto& one : choices) {
        allowed += (allowed.empty() ? "" : ", ") + std::string(one.word);
    }
    return {
        .variable = words.variable,
        .group = group,
        .default_text = std::string(choices.front().word),
        .default_note = words.default_note,
        .allowed = allowed,
        .help = words.help,
        .assign = [choices, member](Settings& settings, std::string_view text) -> Complaint {
            for (const auto& one : choices) {
                if (one.word != text) continue;
                settings.*member = one.value;
                return std::nullopt;
            }
            return std::string();
        },
    };
}

/// A value of any other kind. `assign` may complain with an empty text, which stands for `allowed`.
inline SettingRow other(
    Group group, const Words& words, std::string default_text, std::string allowed, Assign assign) {
    return {
        .variable = words.variable,
        .group = group,
        .default_text = std::move(default_text),
        .default_note = words.default_note,
        .allowed = std::move(allowed),
        .help = words.help,
        .assign = std::move(assign),
    };
}

inline SettingRow secret(SettingRow row) {
    row.is_secret = true;
    return row;
}

inline SettingRow path(SettingRow row) {
    row.is_path = true;
    return row;
}

template <class FieldOf>
Assign text_into(FieldOf field) {
    return [field](Settings& settings, std::string_view text) -> Complaint {
        if (!is_plain_text(text)) return std::string();
        field(settings) = std::string(text);
        return std::nullopt;
    };
}

// Of the next three, `field` gives the place of the value in Settings.

/// A text without control characters; unset unless it is given.
template <class FieldOf>
SettingRow text(Group group, const Words& words, FieldOf field) {
    return other(group, words, "", "any text without control characters", text_into(field));
}

/// The path of a file whose kind `allowed` tells; unset unless it is given.
template <class FieldOf>
SettingRow file(Group group,
                const Words& words,
                FieldOf field,
                std::string allowed = "the path of a PEM file") {
    return path(other(group, words, "", std::move(allowed), text_into(field)));
}

/// The default is what stands in Settings.
template <class FieldOf>
SettingRow flag(Group group, const Words& words, FieldOf field) {
    Settings defaults;
    return other(group,
                 words,
                 field(defaults) ? "true" : "false",
                 "true, false",
                 [field](Settings& settings, std::string_view text) -> Complaint {
                     const auto is_on = parse_flag(text);
                     if (!is_on) return std::string();
                     field(settings) = *is_on;
                     return std::nullopt;
                 });
}

// The parts of the table, each in its file.
void append_listening(std::vector<SettingRow>& rows);
void append_process(std::vector<SettingRow>& rows);
void append_access(std::vector<SettingRow>& rows);
void append_http_api(std::vector<SettingRow>& rows);
void append_presence(std::vector<SettingRow>& rows);
void append_messages(std::vector<SettingRow>& rows);
void append_connections(std::vector<SettingRow>& rows);
void append_deadlines(std::vector<SettingRow>& rows);
void append_logs(std::vector<SettingRow>& rows);
void append_brokers(std::vector<SettingRow>& rows);
void append_nats(std::vector<SettingRow>& rows);
void append_rabbitmq(std::vector<SettingRow>& rows);
void append_kafka(std::vector<SettingRow>& rows);

}  // namespace roomcast::setting_rows

// SPDX-License-Identifier: Apache-2.0
#include "app/settings_text.hpp"

#include <algorithm>
#include <array>

#include "codec/json_writer.hpp"
#include "util/log_text.hpp"

namespace roomcast {

namespace {

constexpr std::string_view kMask = "********";

/// The user information of a URL (RFC 3986 section 3.2.1) replaced by the mask.
std::string without_user_info(std::string_view text) {
    const std::size_t scheme_end = text.find("://");
    if (scheme_end == text.npos) return std::string(text);
    const std::size_t start = scheme_end + 3;
    // Up to the last one: a password that was not percent-encoded may hold any character.
    const std::size_t at = text.rfind('@');
    if (at == text.npos || at < start) return std::string(text);
    return std::string(text.substr(0, start)).append(kMask).append(text.substr(at));
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

std::size_t longest_variable() {
    std::size_t longest = 0;
    for (const SettingRow& row : settings_table())
        longest = std::max(longest, row.variable.size());
    return longest;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
        text.replace(at, from.size(), to);
    }
    return text;
}

std::string table_cell(std::string_view text) {
    return replace_all(std::string(text), "|", "\\|");
}

std::string default_cell(const SettingRow& row) {
    return row.default_text.empty() ? row.default_note : "`" + row.default_text + "`";
}

/// Text meant for Markdown, for a terminal.
std::string without_backticks(std::string_view text) {
    return replace_all(std::string(text), "`", "");
}

constexpr std::string_view kPageHead = R"(# Settings

<!-- Written by `roomcast config --markdown`; a test fails when this page differs. -->

Every setting is an environment variable, a flag and a key of `roomcast.toml`:

| | written as |
| --- | --- |
| flag | `--shards 4` or `--shards=4` |
| environment | `SHARDS=4` |
| `.env` in the working directory | `SHARDS=4` |
| `roomcast.toml` in the working directory, or the file that `--config FILE` names | `shards = 4` |

The first that gives a value wins, from top to bottom, then the default. Further rules:

- An empty value counts as not given, in every source.
- A value may also be read from a file, for secrets: `JWT_SECRET_FILE=/run/secrets/jwt` (also
  `--jwt-secret-file` and `jwt_secret_file`). One line feed at the end of the file is cut; an empty file
  is an error. Giving both forms in one source is an error; between sources the stronger one wins.
- In `.env` nothing is expanded. Values may stand in single quotes (taken as they are) or double quotes (`\n`,
  `\r`, `\t`, `\"`, `\\` and `\$` are escapes, and the value may have several lines). Of two lines for one
  variable the last one counts, with a warning.
- Lists are separated by commas; in TOML they may also be arrays of strings.
- An unknown flag or TOML key, and a value that is not allowed, ends the start with exit status 78 and one line that
  names the variable, the value, where it came from and what is allowed. Unknown environment variables
  are ignored.
- `roomcast check-config` checks all of this without starting; `roomcast config` prints what is in force and
  where it came from, secrets masked.
- Flags of secrets can be seen by everyone who can list processes: prefer a file or the environment.
)";

}  // namespace

std::string shown_value(const SettingRow& row, std::string_view text) {
    if (row.is_secret && !text.empty()) return std::string(kMask);
    return log::escape_for_terminal(without_user_info(text));
}

std::string quoted_value(const SettingRow& row, std::string_view text) {
    if (row.is_secret && !text.empty()) return std::string(kMask);
    return "\"" + shown_value(row, text) + "\"";
}

std::string settings_dump(const LoadedSettings& loaded) {
    const std::size_t variable_width = longest_variable() + 2;
    constexpr std::size_t kValueWidth = 24;
    std::string out;
    for (const EffectiveSetting& setting : loaded.effective) {
        out += padded(setting.row->variable, variable_width);
        const std::string value = setting.text.empty()
                                      ? "(" + without_backticks(setting.row->default_note) + ")"
                                      : shown_value(*setting.row, setting.text);
        out += padded(value, kValueWidth) + "  " + log::escape_for_terminal(setting.origin) + "\n";
    }
    return out;
}

std::string settings_json(const LoadedSettings& loaded) {
    std::string out;
    json::ObjectWriter object(out);
    for (const EffectiveSetting& setting : loaded.effective) {
        json::ObjectWriter entry(object.key(setting.row->variable));
        // Escaped as for a terminal: a value need not be UTF-8, JSON must be.
        entry.string("value", shown_value(*setting.row, setting.text));
        entry.string("origin", log::escape_for_terminal(setting.origin));
        entry.end();
    }
    object.end();
    return out;
}

std::string settings_markdown() {
    std::string out(kPageHead);
    const SettingRow* previous = nullptr;
    for (const SettingRow& row : settings_table()) {
        if (!previous || previous->group != row.group) {
            out += "\n## " + std::string(group_title(row.group)) + "\n\n";
            out += "| variable | default | allowed | |\n| --- | --- | --- | --- |\n";
        }
        out += "| `" + row.variable + "` | " + table_cell(default_cell(row)) + " | " +
               table_cell(row.allowed) + " | " + table_cell(row.help) +
               (row.is_secret ? " Secret." : "") + " |\n";
        previous = &row;
    }
    return out;
}

std::string settings_help() {
    std::string out;
    const SettingRow* previous = nullptr;
    for (const SettingRow& row : settings_table()) {
        if (!previous || previous->group != row.group) {
            out += (previous ? "\n" : "") + std::string(group_title(row.group)) + ":\n";
        }
        const std::string shown_default =
            row.default_text.empty() ? row.default_note : row.default_text;
        out += "  " + flag_of(row.variable) + " VALUE\n      " + without_backticks(row.help) +
               " Default: " + without_backticks(shown_default) + ".\n";
        previous = &row;
    }
    return out;
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The table of all settings: it drives flags, environment, files, --help, docs/settings.md and the
// masked dump.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "app/settings.hpp"

namespace roomcast {

enum class SettingGroup : std::uint8_t {
    listening,
    process,
    access,
    http_api,
    presence,
    messages,
    connections,
    deadlines,
    logs,
    brokers,
};

/// The heading of a group.
[[nodiscard]] std::string_view group_title(SettingGroup group);

/// What is allowed, when a text is not; nothing when it was taken over.
using Complaint = std::optional<std::string>;

struct SettingRow {
    std::string variable;
    SettingGroup group = SettingGroup::listening;
    /// Taken when nothing is given; empty: unset, or worked out as `default_note` says.
    std::string default_text = {};
    std::string default_note = {};
    /// Follows "allowed: ".
    std::string allowed = {};
    std::string help = {};  // one sentence or two, in Markdown
    bool is_secret = false;
    /// The value names a file already, so that there is no `NAME_FILE` beside it.
    bool is_path = false;
    /// Takes `text`, which is not empty, over into the settings.
    std::function<Complaint(Settings& settings, std::string_view text)> assign = {};
};

/// All settings, in the order of the documentation.
[[nodiscard]] std::span<const SettingRow> settings_table();

/// `--server-addr` of `SERVER_ADDR`, and back.
[[nodiscard]] std::string flag_of(std::string_view variable);
[[nodiscard]] std::string variable_of_flag(std::string_view flag);
/// `server_addr` of `SERVER_ADDR`, and back.
[[nodiscard]] std::string toml_key_of(std::string_view variable);
[[nodiscard]] std::string variable_of_toml_key(std::string_view key);

/// A setting by the name of its variable, or by that and `_FILE`.
struct SettingName {
    const SettingRow* row = nullptr;  // null: there is no such setting
    bool is_file = false;             // the value names a file that holds the value
};

[[nodiscard]] SettingName find_setting(std::string_view variable);

/// The known name that is most like `unknown`, for "did you mean …?"; empty when none is close.
/// Both are variables: `SERVER_ADDR`.
[[nodiscard]] std::string nearest_variable(std::string_view unknown);

}  // namespace roomcast

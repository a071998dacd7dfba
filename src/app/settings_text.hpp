// SPDX-License-Identifier: Apache-2.0
// Settings for people: masked dumps, the reference page, the flags of --help.
#pragma once

#include <string>
#include <string_view>

#include "app/settings.hpp"
#include "app/settings_table.hpp"

namespace roomcast {

/// `text` as dumps and errors may show it: secrets as `********`, passwords within URLs likewise,
/// control characters escaped.
[[nodiscard]] std::string shown_value(const SettingRow& row, std::string_view text);
/// The same in quotes; a masked secret stands without.
[[nodiscard]] std::string quoted_value(const SettingRow& row, std::string_view text);

/// One line a setting: variable, value, origin. Secrets are masked.
[[nodiscard]] std::string settings_dump(const LoadedSettings& loaded);
/// `{"SHARDS":{"value":"4","origin":"default"},…}`. Secrets are masked.
[[nodiscard]] std::string settings_json(const LoadedSettings& loaded);
/// docs/settings.md.
[[nodiscard]] std::string settings_markdown();
/// The flags of --help, by group.
[[nodiscard]] std::string settings_help();

}  // namespace roomcast

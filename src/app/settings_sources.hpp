// SPDX-License-Identifier: Apache-2.0
// Where the text of each setting comes from: flags, environment, `.env`, TOML, and files that
// variables name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.hpp"
#include "app/settings_table.hpp"

namespace roomcast {

struct SourcedText {
    std::string text;
    std::string origin;  // "environment", ".env line 3", "flag --shards"
};

/// All sources, read once.
class SettingSources {
public:
    /// Errors: a file that cannot be read or parsed, an unknown flag or TOML key.
    [[nodiscard]] static Outcome<SettingSources, SettingsError> read(
        const SettingsInput& input, std::vector<std::string>& warnings);

    /// The text of the strongest source that gives `row`, or nothing. Errors: a source gives both
    /// the value and a file with it; the file cannot be read or is empty.
    [[nodiscard]] Outcome<std::optional<SourcedText>, SettingsError> find(
        const SettingRow& row) const;

private:
    using Layer = std::map<std::string, SourcedText, std::less<>>;  // by variable, none empty

    explicit SettingSources(FileReader read_file) : read_file_(std::move(read_file)) {}

    std::optional<SettingsError> add_flags(const SettingsInput& input,
                                           std::vector<std::string>& warnings);
    void add_environment(const char* const* environment);
    std::optional<SettingsError> add_dotenv(std::vector<std::string>& warnings);
    std::optional<SettingsError> add_toml(const std::string& config_path);
    [[nodiscard]] Outcome<std::optional<SourcedText>, SettingsError> read_named_file(
        const SettingRow& row, const SourcedText& path) const;

    FileReader read_file_;
    std::vector<Layer> layers_;  // strongest first
};

/// `SHARDS="0" (environment)`: how an error names a setting. Secrets are masked.
[[nodiscard]] std::string name_setting(const SettingRow& row, const SourcedText& given);

/// ` (did you mean …?)`, or nothing. `spell` turns a variable into what the source calls it.
[[nodiscard]] std::string suggest_name(std::string_view unknown_variable,
                                       std::string (*spell)(std::string_view variable));

}  // namespace roomcast

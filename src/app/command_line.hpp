// SPDX-License-Identifier: Apache-2.0
// What the words on the command line ask for. Flags of settings come from the settings table.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.hpp"
#include "util/result.hpp"

namespace roomcast {

/// EX_USAGE of sysexits.h.
inline constexpr int kExitUsage = 64;

enum class Subcommand : std::uint8_t {
    serve,
    check_config,
    config,
    token,
    publish,
    health,
    version,
    help,
};

struct CommandLine {
    Subcommand subcommand = Subcommand::serve;
    /// Flags of settings, by variable: as SettingsInput takes them.
    std::map<std::string, std::string, std::less<>> flags;
    std::string config_path;
    /// Options of the subcommand, by flag (`--user`); switches have an empty value.
    std::map<std::string, std::string, std::less<>> options;
    /// What stands behind the subcommand, as many as it takes.
    std::vector<std::string> operands;

    [[nodiscard]] bool has(std::string_view option) const { return options.contains(option); }

    /// The option's value, or `fallback`.
    [[nodiscard]] std::string value(std::string_view option, std::string_view fallback = {}) const;
};

struct UsageError {
    std::string message;
    int exit_status = kExitUsage;
};

/// Reads the arguments behind the program's name. An unknown flag ends with kExitBadSettings, other
/// mistakes with kExitUsage.
[[nodiscard]] Outcome<CommandLine, UsageError> parse_command_line(
    std::span<const char* const> arguments);

/// The text of --help.
[[nodiscard]] std::string usage_text();

}  // namespace roomcast

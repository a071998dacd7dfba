// SPDX-License-Identifier: Apache-2.0
#include "app/command_line.hpp"

#include <array>
#include <optional>
#include <utility>

#include "app/settings_sources.hpp"
#include "app/settings_table.hpp"
#include "app/settings_text.hpp"
#include "util/log_text.hpp"

namespace roomcast {

namespace {

struct OptionRow {
    std::string_view flag;
    std::string_view value_name;  // empty: a switch
    std::string_view help;
};

struct SubcommandRow {
    Subcommand subcommand;
    std::string_view name;
    std::string_view operands;  // as --help shows them
    std::size_t operand_count;
    std::string_view help;
    std::vector<OptionRow> options;
};

const std::vector<SubcommandRow>& subcommand_table() {
    static const std::vector<SubcommandRow> kTable = {
        {Subcommand::serve, "serve", "", 0, "Run the server. What happens without a command.", {}},
        {Subcommand::check_config,
         "check-config",
         "",
         0,
         "Check all settings; exit status 0 or 78.",
         {}},
        {Subcommand::config,
         "config",
         "",
         0,
         "Print the settings in force and where they came from, secrets masked.",
         {{"--markdown", "", "Print the reference page of all settings instead."}}},
        {Subcommand::token,
         "token",
         "",
         0,
         "Make a token for development, signed with JWT_SECRET.",
         {{"--user", "ID", "The user id. Required."},
          {"--ttl", "SECONDS", "How long it is good for. Default: 3600."},
          {"--channels",
           "JSON",
           "Rights, as {\"room:*\":[\"subscribe\",\"publish\"]}. Default: all."},
          {"--role", "ROLE", "service (HTTP API) or admin (operator routes). Default: none."}}},
        {Subcommand::publish,
         "publish",
         "CHANNEL EVENT PAYLOAD",
         3,
         "Publish one event over HTTP; PAYLOAD is JSON.",
         {{"--url", "URL", "The server. Default: the one that the settings describe."},
          {"--key", "KEY", "An API key or token. Default: the first of API_KEYS."}}},
        {Subcommand::health,
         "health",
         "",
         0,
         "Ask a server whether it is ready; exit status 0 or 1. For container health checks.",
         {{"--url", "URL", "The server. Default: the one that the settings describe."}}},
        {Subcommand::version, "version", "", 0, "Print the version.", {}},
        {Subcommand::help, "help", "", 0, "Print this text.", {}},
    };
    return kTable;
}

/// Takes the arguments one by one.
class CommandLineParser {
public:
    explicit CommandLineParser(std::span<const char* const> arguments) : rest_(arguments) {}

    Outcome<CommandLine, UsageError> parse() {
        bool is_behind_flags = false;  // behind `--`
        while (!rest_.empty()) {
            const std::string_view word = take();
            if (!is_behind_flags && word == "--") {
                is_behind_flags = true;
            } else if (!is_behind_flags && is_flag(word)) {
                if (auto error = take_flag(word)) return std::move(*error);
            } else if (auto error = take_operand(word)) {
                return std::move(*error);
            }
        }
        if (line_.subcommand == Subcommand::help || line_.subcommand == Subcommand::version) {
            return std::move(line_);  // asked for: what else stands there does not matter
        }
        const SubcommandRow& row = *row_;
        if (line_.operands.size() != row.operand_count) {
            return UsageError{"roomcast " + std::string(row.name) + " needs " +
                              std::string(row.operands)};
        }
        return std::move(line_);
    }

private:
    /// `-5` is an operand: a payload may be a number.
    static bool is_flag(std::string_view word) {
        return word.size() >= 2 && word[0] == '-' && !(word[1] >= '0' && word[1] <= '9');
    }

    std::string_view take() {
        const std::string_view word = rest_.front();
        rest_ = rest_.subspan(1);
        return word;
    }

    std::optional<UsageError> take_flag(std::string_view word) {
        const std::size_t equals = word.find('=');
        const std::string_view flag = word.substr(0, equals);
        if (flag == "--help" || flag == "-h") return ask_for(Subcommand::help);
        if (flag == "--version" || flag == "-V") return ask_for(Subcommand::version);
        const OptionRow* option = find_option(flag);
        if (option && option->value_name.empty()) {
            if (equals != word.npos) return UsageError{std::string(flag) + " takes no value"};
            line_.options.insert_or_assign(std::string(flag), std::string());
            return std::nullopt;
        }
        const std::string variable = variable_of_flag(flag);
        const bool is_setting = find_setting(variable).row && flag_of(variable) == flag;
        if (!option && !is_setting && flag != "--config") return unknown_flag(flag);

        std::string value;
        if (equals != word.npos) {
            value = word.substr(equals + 1);
        } else if (!rest_.empty() && !std::string_view(rest_.front()).starts_with("--")) {
            value = take();
        } else {
            return UsageError{std::string(flag) + " needs a value", exit_status_of(option)};
        }
        if (option) {
            line_.options.insert_or_assign(std::string(flag), std::move(value));
        } else if (is_setting) {
            line_.flags.insert_or_assign(variable, std::move(value));
        } else {
            line_.config_path = std::move(value);
        }
        return std::nullopt;
    }

    std::optional<UsageError> ask_for(Subcommand subcommand) {
        if (line_.subcommand != Subcommand::help) line_.subcommand = subcommand;
        rest_ = {};
        return std::nullopt;
    }

    std::optional<UsageError> take_operand(std::string_view word) {
        if (!has_subcommand_) {
            for (const SubcommandRow& row : subcommand_table()) {
                if (row.name != word) continue;
                has_subcommand_ = true;
                row_ = &row;
                line_.subcommand = row.subcommand;
                return std::nullopt;
            }
            return UsageError{"\"" + log::escape_for_terminal(word) +
                              "\" is no command; roomcast --help lists them all"};
        }
        if (line_.operands.size() == row_->operand_count) {
            return UsageError{"roomcast " + std::string(row_->name) + " does not take \"" +
                              log::escape_for_terminal(word) + "\""};
        }
        line_.operands.emplace_back(word);
        return std::nullopt;
    }

    [[nodiscard]] const OptionRow* find_option(std::string_view flag) const {
        for (const OptionRow& option : row_->options) {
            if (option.flag == flag) return &option;
        }
        return nullptr;
    }

    static int exit_status_of(const OptionRow* option) {
        return option ? kExitUsage : kExitBadSettings;
    }

    static UsageError unknown_flag(std::string_view flag) {
        return {log::escape_for_terminal(flag) + " is no flag" +
                    suggest_name(variable_of_flag(flag), flag_of) +
                    "; roomcast --help lists them all",
                kExitBadSettings};
    }

    std::span<const char* const> rest_;
    CommandLine line_;
    const SubcommandRow* row_ = &subcommand_table().front();  // serve
    bool has_subcommand_ = false;
};

}  // namespace

std::string CommandLine::value(std::string_view option, std::string_view fallback) const {
    const auto found = options.find(option);
    return found == options.end() ? std::string(fallback) : found->second;
}

Outcome<CommandLine, UsageError> parse_command_line(std::span<const char* const> arguments) {
    return CommandLineParser(arguments).parse();
}

std::string usage_text() {
    std::string text =
        "roomcast, a realtime server: WebSocket clients subscribe to channels, backends publish "
        "over HTTP.\n\nUsage: roomcast [COMMAND] [FLAGS]\n\nCommands:\n";
    for (const SubcommandRow& row : subcommand_table()) {
        text.append("  ").append(row.name);
        if (!row.operands.empty()) text.append(" ").append(row.operands);
        text.append("\n      ").append(row.help).append("\n");
        for (const OptionRow& option : row.options) {
            text.append("      ").append(option.flag);
            if (!option.value_name.empty()) text.append(" ").append(option.value_name);
            text.append("  ").append(option.help).append("\n");
        }
    }
    text +=
        "\nEvery setting is a flag, an environment variable (--server-addr is SERVER_ADDR), a line "
        "of .env\nand a key of roomcast.toml (server_addr), in this order of precedence. Each may "
        "also name a file\nthat holds the value: --jwt-secret-file, JWT_SECRET_FILE.\n\n"
        "  --config FILE\n      Read FILE instead of roomcast.toml in the working directory.\n\n";
    return text + settings_help();
}

}  // namespace roomcast

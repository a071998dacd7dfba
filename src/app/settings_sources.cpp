// SPDX-License-Identifier: Apache-2.0
#include "app/settings_sources.hpp"

#include <utility>

#include "app/dotenv.hpp"
#include "app/settings_text.hpp"
#include "app/settings_toml.hpp"
#include "util/log_text.hpp"

namespace roomcast {

namespace {

constexpr const char* kDotenvPath = ".env";
constexpr const char* kDefaultConfigPath = "roomcast.toml";

std::string at_line(const std::string& file, std::size_t line) {
    return file + " line " + std::to_string(line);
}

SettingsError file_error(const std::string& path, const std::string& reason) {
    return {log::escape_for_terminal(path) + ": " + log::escape_for_terminal(reason)};
}

std::string warn_of_shown_secret(const std::string& flag) {
    return flag + " shows the secret to everyone who can list processes; use " + flag +
           "-file or the environment";
}

}  // namespace

std::string name_setting(const SettingRow& row, const SourcedText& given) {
    return row.variable + "=" + quoted_value(row, given.text) + " (" +
           log::escape_for_terminal(given.origin) + ")";
}

std::string suggest_name(std::string_view unknown_variable,
                         std::string (*spell)(std::string_view variable)) {
    const std::string nearest = nearest_variable(unknown_variable);
    return nearest.empty() ? std::string() : " (did you mean " + spell(nearest) + "?)";
}

Outcome<SettingSources, SettingsError> SettingSources::read(const SettingsInput& input,
                                                            std::vector<std::string>& warnings) {
    SettingSources sources(input.read_file);
    if (auto error = sources.add_flags(input, warnings)) return std::move(*error);
    sources.add_environment(input.environment);
    if (auto error = sources.add_dotenv(warnings)) return std::move(*error);
    if (auto error = sources.add_toml(input.config_path)) return std::move(*error);
    return sources;
}

std::optional<SettingsError> SettingSources::add_flags(const SettingsInput& input,
                                                       std::vector<std::string>& warnings) {
    Layer layer;
    for (const auto& [variable, text] : input.flags) {
        const std::string flag = flag_of(variable);
        const SettingName name = find_setting(variable);
        if (!name.row) {
            return SettingsError{log::escape_for_terminal(flag) + " is no flag" +
                                 suggest_name(variable, flag_of) +
                                 "; roomcast --help lists them all"};
        }
        if (text.empty()) continue;
        if (name.row->is_secret && !name.is_file) {
            warnings.push_back(warn_of_shown_secret(flag));
        }
        layer.emplace(variable, SourcedText{text, "flag " + flag});
    }
    layers_.push_back(std::move(layer));
    return std::nullopt;
}

void SettingSources::add_environment(const char* const* environment) {
    Layer layer;
    for (; environment && *environment; ++environment) {
        const std::string_view variable(*environment);
        const std::size_t equals = variable.find('=');
        if (equals == variable.npos || equals + 1 == variable.size()) continue;
        // Of a name that is there twice getenv() sees the first, and so do we.
        layer.emplace(variable.substr(0, equals),
                      SourcedText{std::string(variable.substr(equals + 1)), "environment"});
    }
    layers_.push_back(std::move(layer));
}

std::optional<SettingsError> SettingSources::add_dotenv(std::vector<std::string>& warnings) {
    Layer layer;
    const auto text = read_file_(kDotenvPath);
    if (!text && !text.error().is_missing) return file_error(kDotenvPath, text.error().reason);
    if (text) {
        const auto entries = parse_dotenv(*text);
        if (!entries) {
            return file_error(at_line(kDotenvPath, entries.error().line), entries.error().reason);
        }
        std::map<std::string, std::size_t, std::less<>> lines;
        for (const DotenvEntry& entry : *entries) {
            const std::string origin = at_line(kDotenvPath, entry.line);
            const auto [earlier, is_first] = lines.try_emplace(entry.name, entry.line);
            if (!is_first && find_setting(entry.name).row) {
                warnings.push_back(entry.name + " is set twice in .env, in lines " +
                                   std::to_string(earlier->second) + " and " +
                                   std::to_string(entry.line) + "; the last one counts");
            }
            earlier->second = entry.line;
            layer.erase(entry.name);
            if (!entry.value.empty()) layer.emplace(entry.name, SourcedText{entry.value, origin});
        }
    }
    layers_.push_back(std::move(layer));
    return std::nullopt;
}

std::optional<SettingsError> SettingSources::add_toml(const std::string& config_path) {
    Layer layer;
    const std::string path = config_path.empty() ? kDefaultConfigPath : config_path;
    const auto text = read_file_(path);
    const bool may_be_missing = config_path.empty();
    if (!text && !(may_be_missing && text.error().is_missing)) {
        return file_error(path, text.error().reason);
    }
    if (text) {
        const auto entries = parse_toml(*text);
        if (!entries) {
            return file_error(at_line(path, entries.error().line), entries.error().reason);
        }
        for (const TomlEntry& entry : *entries) {
            const std::string variable = variable_of_toml_key(entry.key);
            if (!find_setting(variable).row || toml_key_of(variable) != entry.key) {
                return file_error(
                    at_line(path, entry.line),
                    "unknown key \"" + entry.key + "\"" + suggest_name(variable, toml_key_of));
            }
            if (entry.value.empty()) continue;
            layer.emplace(variable, SourcedText{entry.value, at_line(path, entry.line)});
        }
    }
    layers_.push_back(std::move(layer));
    return std::nullopt;
}

Outcome<std::optional<SourcedText>, SettingsError> SettingSources::find(
    const SettingRow& row) const {
    const std::string file_variable = row.variable + "_FILE";
    for (const Layer& layer : layers_) {
        const auto given = layer.find(row.variable);
        const auto file = row.is_path ? layer.end() : layer.find(file_variable);
        if (given != layer.end() && file != layer.end()) {
            return SettingsError{
                name_setting(row, given->second) + ": " + file_variable + " is set as well (" +
                log::escape_for_terminal(file->second.origin) + "); allowed: one of the two"};
        }
        if (given != layer.end()) return std::optional<SourcedText>(given->second);
        if (file != layer.end()) return read_named_file(row, file->second);
    }
    return std::optional<SourcedText>();
}

Outcome<std::optional<SourcedText>, SettingsError> SettingSources::read_named_file(
    const SettingRow& row, const SourcedText& path) const {
    const auto complain = [&](std::string_view problem) {
        return SettingsError{row.variable + "_FILE=\"" + log::escape_for_terminal(path.text) +
                             "\" (" + log::escape_for_terminal(path.origin) +
                             "): " + std::string(problem)};
    };
    auto text = read_file_(path.text);
    if (!text) return complain(text.error().reason);
    if (text->ends_with('\n')) text->pop_back();
    if (text->ends_with('\r')) text->pop_back();
    // Never "unset": an empty secret would open a server that was meant to be closed.
    if (text->empty()) return complain("the file is empty");
    if (text->find('\0') != text->npos) return complain("the file holds a NUL character");
    return std::optional<SourcedText>(
        SourcedText{std::move(*text), path.origin + ", " + row.variable + "_FILE " + path.text});
}

}  // namespace roomcast

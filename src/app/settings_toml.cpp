// SPDX-License-Identifier: Apache-2.0
#include "app/settings_toml.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <toml++/toml.h>

namespace roomcast {

namespace {

std::optional<std::string> scalar_text(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return std::to_string(number->get());
    if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
    return std::nullopt;
}

std::optional<std::string> value_text(const toml::node& node) {
    const auto* list = node.as_array();
    if (!list) return scalar_text(node);
    std::string joined;
    for (const toml::node& entry : *list) {
        const auto text = scalar_text(entry);
        if (!text) return std::nullopt;
        if (!joined.empty()) joined += ',';
        joined += *text;
    }
    return joined;
}

}  // namespace

Outcome<std::vector<TomlEntry>, TomlError> parse_toml(std::string_view text) {
    std::vector<TomlEntry> entries;
    try {
        const toml::table table = toml::parse(text);
        for (const auto& [key, node] : table) {
            const std::size_t line = node.source().begin.line;
            auto value = value_text(node);
            if (!value) {
                return TomlError{line,
                                 "\"" + std::string(key.str()) +
                                     "\" is neither a string, a whole number, true, false "
                                     "nor a list of these"};
            }
            entries.push_back({std::string(key.str()), std::move(*value), line});
        }
    } catch (const toml::parse_error& error) {
        // Its description quotes a character, a key or a number, never a text.
        return TomlError{error.source().begin.line, std::string(error.description())};
    }
    std::sort(entries.begin(), entries.end(), [](const TomlEntry& a, const TomlEntry& b) {
        return a.line < b.line;
    });
    return entries;
}

}  // namespace roomcast

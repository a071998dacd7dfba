// SPDX-License-Identifier: Apache-2.0
// Takes one field out of a document that our own encoder wrote: enough for tests, no parser.
#pragma once

#include <string>
#include <string_view>

namespace roomcast {

/// The text of the first field `name`, strings without their quotes; empty when there is none.
inline std::string json_field(std::string_view document, std::string_view name) {
    const std::string key = '"' + std::string(name) + "\":";
    const auto at = document.find(key);
    if (at == std::string_view::npos) return "";
    int depth = 0;
    bool is_string = false;
    const auto from = at + key.size();
    auto to = from;
    for (; to < document.size(); ++to) {
        const char c = document[to];
        if (c == '"' && document[to - 1] != '\\') is_string = !is_string;
        if (is_string) continue;
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && depth-- == 0) break;
        if (c == ',' && depth == 0) break;
    }
    std::string_view value = document.substr(from, to - from);
    if (value.starts_with('"')) value = value.substr(1, value.size() - 2);
    return std::string(value);
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Lists in settings: entries separated by commas.
#pragma once

#include <string_view>

namespace roomcast {

/// `text` without spaces and tabs at both ends.
[[nodiscard]] inline std::string_view trim_blanks(std::string_view text) {
    constexpr std::string_view kBlanks = " \t";
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Cuts the first entry off `rest`, without blanks around it. An empty `rest` was the last one.
[[nodiscard]] inline std::string_view take_list_entry(std::string_view& rest) {
    const std::size_t comma = rest.find(',');
    const std::string_view entry = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    return trim_blanks(entry);
}

}  // namespace roomcast

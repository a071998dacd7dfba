// SPDX-License-Identifier: Apache-2.0
#include "auth/origin.hpp"

#include <algorithm>

#include "auth/text_list.hpp"

namespace roomcast {

namespace {

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

char to_lower(char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                                : character;
}

/// Letters, digits and what schemes, host names, IPv6 addresses and ports are made of.
bool is_origin_character(char character) {
    return is_digit(character) || (character >= 'a' && character <= 'z') ||
           std::string_view("+-._:[]").find(character) != std::string_view::npos;
}

/// Splits the port off `host`: empty without one, nothing when it is not a number.
std::optional<std::string_view> take_port(std::string_view& host) {
    const std::size_t colon = host.rfind(':');
    const bool is_in_brackets = host.ends_with(']');  // the colons of an IPv6 address
    if (colon == std::string_view::npos || is_in_brackets) return std::string_view();
    const std::string_view port = host.substr(colon + 1);
    const bool is_number = !port.empty() && port.size() <= 5 && std::ranges::all_of(port, is_digit);
    if (!is_number) return std::nullopt;
    host = host.substr(0, colon);
    return port;
}

/// Scheme and host in lower case, without the scheme's default port. Nothing for what is not
/// exactly `scheme://host[:port]`.
std::optional<std::string> normalise(std::string_view origin) {
    std::string text(origin);
    std::ranges::transform(text, text.begin(), to_lower);
    const std::size_t separator = text.find("://");
    if (separator == std::string::npos || separator == 0) return std::nullopt;
    const std::string_view scheme = std::string_view(text).substr(0, separator);
    std::string_view host = std::string_view(text).substr(separator + 3);
    if (scheme.find(':') != std::string_view::npos) return std::nullopt;
    if (!std::ranges::all_of(scheme, is_origin_character) ||
        !std::ranges::all_of(host, is_origin_character)) {
        return std::nullopt;
    }
    const std::optional<std::string_view> port = take_port(host);
    if (!port || host.empty()) return std::nullopt;
    std::string normal = std::string(scheme).append("://").append(host);
    const bool is_default = port->empty() || (scheme == "https" && *port == "443") ||
                            (scheme == "http" && *port == "80");
    if (!is_default) normal.append(":").append(*port);
    return normal;
}

}  // namespace

Outcome<OriginList, std::string> OriginList::parse(std::string_view text) {
    std::vector<std::string> entries;
    do {
        entries.emplace_back(take_list_entry(text));
    } while (!text.empty());
    return make(entries);
}

Outcome<OriginList, std::string> OriginList::make(const std::vector<std::string>& entries) {
    OriginList list;
    for (const std::string& entry : entries) {
        if (entry == "*") {
            list.allows_any_ = true;
            continue;
        }
        std::optional<std::string> origin = normalise(entry);
        if (!origin) {
            return "\"" + entry +
                   "\" is no origin; expected * or scheme://host[:port] separated by commas, "
                   "without "
                   "a path, a slash at the end or wildcards";
        }
        list.origins_.push_back(std::move(*origin));
    }
    return list;
}

bool OriginList::allows(std::optional<std::string_view> origin) const {
    if (!origin || allows_any_) return true;
    const std::optional<std::string> normal = normalise(*origin);
    return normal && std::ranges::find(origins_, *normal) != origins_.end();
}

}  // namespace roomcast

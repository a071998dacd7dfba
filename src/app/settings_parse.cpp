// SPDX-License-Identifier: Apache-2.0
#include "app/settings_parse.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <arpa/inet.h>

#include "auth/text_list.hpp"

namespace roomcast {

namespace {

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
    std::string lowered(text);
    std::transform(lowered.begin(), lowered.end(), lowered.begin(), to_lower);
    return lowered;
}

bool is_ip_address(int family, std::string_view text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes;
    return ::inet_pton(family, std::string(text).c_str(), bytes.data()) == 1;
}

/// A DNS name, or an IPv4 address: letters, digits, '-', '_' and '.'.
bool is_host_name(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
    });
}

/// `[::1]`, or a name or IPv4 address.
bool is_url_host(std::string_view text) {
    if (text.starts_with('[') && text.ends_with(']')) {
        return is_ip_address(AF_INET6, text.substr(1, text.size() - 2));
    }
    return is_host_name(text);
}

/// `host` or `host:port`.
bool is_authority(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || text.ends_with(']')) return is_url_host(text);
    return is_url_host(text.substr(0, colon)) &&
           parse_whole_number(text.substr(colon + 1), 1, 65'535);
}

/// What follows `http://` or `https://`; nothing for another scheme.
std::optional<std::string_view> behind_http_scheme(std::string_view text) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (text.starts_with(scheme)) return text.substr(scheme.size());
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_whole_number(std::string_view text,
                                               std::int64_t lowest,
                                               std::int64_t highest) {
    std::int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    // from_chars takes a minus sign, which no setting has a use for.
    if (text.starts_with('-') || error != std::errc() || stop != end) return std::nullopt;
    if (number < lowest || number > highest) return std::nullopt;
    return number;
}

std::optional<bool> parse_flag(std::string_view text) {
    const std::string word = lower(text);
    if (word == "true" || word == "1" || word == "yes" || word == "on") return true;
    if (word == "false" || word == "0" || word == "no" || word == "off") return false;
    return std::nullopt;
}

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto port = parse_whole_number(text.substr(colon + 1), 0, 65'535);
    std::string_view host = text.substr(0, colon);
    if (!port || (!host.empty() && !is_url_host(host))) return std::nullopt;
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    return ListenAddress{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> entries;
    while (!text.empty()) {
        const std::string_view entry = take_list_entry(text);
        if (!entry.empty()) entries.emplace_back(entry);
    }
    return entries;
}

bool is_http_url(std::string_view text) {
    const auto rest = behind_http_scheme(text);
    if (!rest) return false;
    const std::string_view path = rest->substr(std::min(rest->find_first_of("/?"), rest->size()));
    return is_authority(rest->substr(0, rest->size() - path.size())) &&
           std::all_of(
               path.begin(), path.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

bool is_cookie_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alphanumeric(c) ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

bool is_plain_text(std::string_view text) {
    return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
}

}  // namespace roomcast

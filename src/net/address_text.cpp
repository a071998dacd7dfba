// SPDX-License-Identifier: Apache-2.0
#include "net/address_text.hpp"

#include <algorithm>
#include <charconv>

namespace roomcast::net {

namespace {

bool is_host_byte(char byte) {
    constexpr std::string_view kNoHost = "/?#@[]:\\\"'<>";
    return byte > ' ' && byte < 0x7f && kNoHost.find(byte) == std::string_view::npos;
}

/// Cuts the host off, which may be in brackets.
std::optional<std::string> take_host(std::string_view& text) {
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view host = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
        const auto is_valid = [](char byte) { return byte == ':' || is_host_byte(byte); };
        if (host.find(':') == std::string_view::npos || !std::ranges::all_of(host, is_valid)) {
            return std::nullopt;
        }
        return std::string(host);
    }
    const std::string_view host = text.substr(0, text.find(':'));
    text.remove_prefix(host.size());
    if (!std::ranges::all_of(host, is_host_byte)) return std::nullopt;
    return std::string(host);
}

/// ":1234"; zero is no port.
std::optional<std::uint16_t> parse_port(std::string_view text) {
    if (!text.starts_with(':')) return std::nullopt;
    text.remove_prefix(1);
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || stop != end || port == 0) return std::nullopt;
    return port;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        const std::string_view digits = text.substr(i + 1, 2);
        std::uint8_t byte = 0;
        const char* const end = digits.data() + digits.size();
        const auto [stop, error] = std::from_chars(digits.data(), end, byte, 16);
        if (digits.size() != 2 || error != std::errc{} || stop != end) return std::nullopt;
        decoded += static_cast<char>(byte);
        i += digits.size();
    }
    return decoded;
}

Outcome<Endpoint, std::string> parse_endpoint(std::string_view text, std::uint16_t default_port) {
    // An Endpoint could be made of a text, too: a port of 0.
    using Parsed = Outcome<Endpoint, std::string>;
    const auto refuse = [](const char* why) { return Parsed(boost::system::in_place_error, why); };
    if (text.empty()) return refuse("a host is missing");
    const auto host = take_host(text);
    if (!host) {
        return refuse("a host has a character that none has (IPv6 addresses stand in brackets)");
    }
    const auto port = text.empty() ? default_port : parse_port(text);
    if (!port) {
        return refuse("a port is no number from 1 to 65535 (IPv6 addresses stand in brackets)");
    }
    return Endpoint{host->empty() ? "localhost" : *host, *port};
}

}  // namespace roomcast::net

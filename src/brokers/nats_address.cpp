// SPDX-License-Identifier: Apache-2.0
#include "brokers/nats_address.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "net/address_text.hpp"

namespace roomcast {

namespace {

constexpr std::uint16_t kPort = 4222;
constexpr std::string_view kPlain = "nats://";
constexpr std::string_view kTls = "tls://";

using Problem = std::optional<std::string>;

Problem read_login(std::string_view text, NatsLogin& login) {
    const std::size_t colon = text.find(':');
    const bool has_password = colon != std::string_view::npos;
    const auto front = net::percent_decode(text.substr(0, colon));
    const auto back = net::percent_decode(has_password ? text.substr(colon + 1) : "");
    if (!front || !back) return "a '%' of the login is not followed by two hex digits";
    // The library ends a text at a zero byte, and would log in with the front of a password.
    if (front->find('\0') != std::string::npos || back->find('\0') != std::string::npos) {
        return "the login has a zero byte";
    }
    if (front->empty() || (has_password && back->empty())) {
        return "the login is neither user:password nor a token";
    }
    (has_password ? login.user : login.token) = *front;
    login.password = *back;
    return std::nullopt;
}

Outcome<NatsServer, std::string> parse_url(std::string_view text) {
    NatsServer server;
    server.is_tls = text.starts_with(kTls);
    if (!server.is_tls && !text.starts_with(kPlain)) {
        return std::string("an address begins with neither nats:// nor tls://");
    }
    text.remove_prefix(server.is_tls ? kTls.size() : kPlain.size());
    // The last one: a password may hold others, though they should be encoded.
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        if (auto problem = read_login(text.substr(0, at), server.login)) return *std::move(problem);
        text.remove_prefix(at + 1);
    }
    if (text.ends_with('/')) text.remove_suffix(1);
    auto endpoint = net::parse_endpoint(text, kPort);
    if (!endpoint) return endpoint.error();
    server.endpoint = *std::move(endpoint);
    return server;
}

}  // namespace

Outcome<std::vector<NatsServer>, std::string> parse_nats_urls(std::string_view text) {
    std::vector<NatsServer> servers;
    while (true) {
        const std::size_t comma = text.find(',');
        auto server = parse_url(text.substr(0, comma));
        if (!server) return server.error();
        servers.push_back(*std::move(server));
        if (comma == std::string_view::npos) return servers;
        text.remove_prefix(comma + 1);
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    }
}

std::string to_text(const NatsServer& server) {
    return std::string(server.is_tls ? kTls : kPlain) + net::to_text(server.endpoint);
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "http/token_source.hpp"

#include "auth/text_list.hpp"

namespace roomcast::http {
namespace {

constexpr std::string_view kBearerProtocol = "roomcast.bearer.";

std::string_view protocol_token(const Request& request) {
    for (const Header& header : request.headers) {
        if (!equals_ignoring_case(header.name, "Sec-WebSocket-Protocol")) continue;
        std::string_view list = header.value;
        while (!list.empty()) {
            const std::string_view protocol = take_list_entry(list);
            if (protocol.starts_with(kBearerProtocol)) {
                return protocol.substr(kBearerProtocol.size());
            }
        }
    }
    return {};
}

/// The value of a cookie (RFC 6265 section 4.2): `a=1; name=value`, maybe in quotes.
std::string_view cookie_value(const Request& request, std::string_view name) {
    for (const Header& header : request.headers) {
        if (!equals_ignoring_case(header.name, "Cookie")) continue;
        std::string_view rest = header.value;
        while (!rest.empty()) {
            const std::size_t end = rest.find(';');
            const std::string_view pair = trim_blanks(rest.substr(0, end));
            rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
            const std::size_t equals = pair.find('=');
            if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
            std::string_view value = pair.substr(equals + 1);
            if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
                value = value.substr(1, value.size() - 2);
            }
            return value;
        }
    }
    return {};
}

}  // namespace

std::string_view bearer_token(const Request& request) {
    constexpr std::string_view kScheme = "Bearer ";
    const std::string_view value = request.header("Authorization");
    if (!equals_ignoring_case(value.substr(0, kScheme.size()), kScheme)) return {};
    return trim_blanks(value.substr(kScheme.size()));
}

std::string find_token(const Request& request, const Query& query, std::string_view cookie) {
    if (const std::string_view token = bearer_token(request); !token.empty()) {
        return std::string(token);
    }
    for (const std::string_view name : {"token", "access_token"}) {
        if (const std::string* token = query.find(name); token && !token->empty()) return *token;
    }
    if (const std::string_view token = protocol_token(request); !token.empty()) {
        return std::string(token);
    }
    return cookie.empty() ? std::string() : std::string(cookie_value(request, cookie));
}

}  // namespace roomcast::http

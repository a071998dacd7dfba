// SPDX-License-Identifier: Apache-2.0
// Where NATS is: what BROADCAST_NATS_URL says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop.hpp"
#include "util/result.hpp"

namespace roomcast {

/// How to log in; what is empty is not used.
struct NatsLogin {
    std::string user = {};
    std::string password = {};
    std::string token = {};

    friend bool operator==(const NatsLogin&, const NatsLogin&) = default;
};

struct NatsServer {
    net::Endpoint endpoint;
    bool is_tls = false;
    NatsLogin login = {};

    friend bool operator==(const NatsServer&, const NatsServer&) = default;
};

/// Reads one URL, or several with commas between them: `nats://[login@]host[:port]`, or `tls://…`.
/// A login is `user:password` or a token, percent-decoded; IPv6 addresses stand in brackets; ports
/// default to 4222. Error: a sentence that does not repeat the text, which may hold a password.
[[nodiscard]] Outcome<std::vector<NatsServer>, std::string> parse_nats_urls(std::string_view text);

/// For logs: without the login.
[[nodiscard]] std::string to_text(const NatsServer& server);

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Where Redis is: what REDIS_ADDR and BROADCAST_MQ_ADDR say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop.hpp"
#include "util/result.hpp"

namespace roomcast::redis {

enum class Mode : std::uint8_t { direct, sentinel, cluster };

struct Address {
    Mode mode = Mode::direct;
    bool is_tls = false;
    std::vector<net::Endpoint> endpoints;  // at least one; the sentinels, or some Cluster nodes
    std::string master_name;               // of Sentinel
    std::string user;                      // empty: the default user
    std::string password;                  // empty: none
    int database = 0;

    friend bool operator==(const Address&, const Address&) = default;
};

/// Reads `host:port`, `host`, `:port`, `redis://[user[:password]@]host[:port][/database]`,
/// `rediss://…` (TLS), `redis+sentinel://[user[:password]@]name@host[:port],…[/database]` and
/// `redis+cluster://[user[:password]@]host[:port],…`; with `rediss+` both of these over TLS. User
/// and password are percent-decoded; IPv6 addresses stand in brackets; ports default to 6379, those
/// of sentinels to 26379. Error: a sentence that says what is wrong and does not repeat the text,
/// which may hold a password.
[[nodiscard]] Outcome<Address, std::string> parse_address(std::string_view text);

/// The address for logs and dumps: without user and password.
[[nodiscard]] std::string to_text(const Address& address);

}  // namespace roomcast::redis

// SPDX-License-Identifier: Apache-2.0
// Who is at the other end: seen through trusted proxies, and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "util/hash.hpp"
#include "util/result.hpp"

namespace roomcast {

/// The proxies whose `X-Forwarded-For` counts (TRUSTED_PROXIES).
class TrustedProxies {
public:
    TrustedProxies() = default;
    /// Reads addresses and CIDR ranges. The error names the one that is neither.
    [[nodiscard]] static Outcome<TrustedProxies, std::string> parse(
        const std::vector<std::string>& ranges);

    /// Whether `address` is one of them.
    [[nodiscard]] bool contains(std::string_view address) const;
    /// The client's address: `peer` itself, unless it is a trusted proxy; then the last address in
    /// `forwarded_for` that is none. What is no address ends the search.
    [[nodiscard]] std::string client_address(const std::string& peer,
                                             std::string_view forwarded_for) const;

private:
    struct Range {
        unsigned char bytes[16];  // IPv4 as IPv4-mapped IPv6
        unsigned prefix_bits;
    };

    std::vector<Range> ranges_;
};

/// Counts connections per address over all shards (MAX_CONNECTIONS_PER_IP).
class PeerCounter {
public:
    /// False when `address` has `limit` connections already; a limit of 0 counts nothing.
    [[nodiscard]] bool try_add(const std::string& address, std::size_t limit);
    void remove(const std::string& address);

private:
    std::mutex mutex_;  // shards share the count; taken once per connection, if the limit is on
    std::unordered_map<std::string, std::size_t, SeededStringHash, std::equal_to<>> counts_;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// How often each client may use the HTTP API.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/rate_limiter.hpp"
#include "util/clock.hpp"
#include "util/hash.hpp"

namespace roomcast::http {

/// A bucket for each client, shared by all shards: a client's connections are spread over them.
class RequestRates {
public:
    RequestRates(RateLimiter::Rate rate, const Clock& clock) : rate_(rate), clock_(clock) {}

    /// Takes one request of `client`. Zero: it may go on; else when it may be tried again. From any
    /// thread.
    [[nodiscard]] std::chrono::milliseconds take(const std::string& client);

private:
    /// Clients choose their addresses: at most so many are remembered.
    static constexpr std::size_t kMostClients = 10'000;

    void make_room(SteadyTime now);

    const RateLimiter::Rate rate_;
    const Clock& clock_;
    std::mutex mutex_;  // between the shards; held for a look-up
    std::unordered_map<std::string, RateLimiter, SeededStringHash, std::equal_to<>> clients_;
};

}  // namespace roomcast::http

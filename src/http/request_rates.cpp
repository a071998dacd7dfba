// SPDX-License-Identifier: Apache-2.0
#include "http/request_rates.hpp"

namespace roomcast::http {

std::chrono::milliseconds RequestRates::take(const std::string& client) {
    if (rate_.per_second == 0) return {};
    const SteadyTime now = clock_.steady();
    const std::lock_guard lock(mutex_);
    if (clients_.size() >= kMostClients && !clients_.contains(client)) make_room(now);
    RateLimiter& bucket = clients_.try_emplace(client, rate_, now).first->second;
    if (bucket.try_take(rate_, now)) return {};
    return bucket.wait(rate_);
}

/// Forgets who has not asked for a while, which changes nothing for them; and all, where that is
/// nobody: so many at once are no clients to be fair to.
void RequestRates::make_room(SteadyTime now) {
    const auto forgotten =
        std::erase_if(clients_, [&](auto& client) { return client.second.is_full(rate_, now); });
    if (forgotten == 0) clients_.clear();
}

}  // namespace roomcast::http

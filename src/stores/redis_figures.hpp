// SPDX-License-Identifier: Apache-2.0
// What the Redis presence store shows on /metrics.
#pragma once

#include <vector>

#include "redis/client.hpp"
#include "stores/redis_context.hpp"
#include "util/figure.hpp"

namespace roomcast {

/// From any thread.
[[nodiscard]] std::vector<Figure> redis_presence_figures(const RedisPresenceCounters& counters);
void append_redis_client_figures(std::vector<Figure>& all, const redis::ClientFigures& client);

}  // namespace roomcast

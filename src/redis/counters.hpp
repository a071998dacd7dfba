// SPDX-License-Identifier: Apache-2.0
// What the connections of one client count.
#pragma once

#include "redis/client.hpp"
#include "util/counter.hpp"

namespace roomcast::redis {

/// Written on the loop, read from anywhere.
struct Counters {
    Counter connections_lost;
    Counter calls_failed;
    Counter redirects;
    Counter probes_missed;
    Counter last_round_trip_us;

    [[nodiscard]] ClientFigures figures() const {
        return {.connections_lost = connections_lost.value(),
                .calls_failed = calls_failed.value(),
                .redirects = redirects.value(),
                .probes_missed = probes_missed.value(),
                .last_round_trip_us = last_round_trip_us.value()};
    }
};

}  // namespace roomcast::redis

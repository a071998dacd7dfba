// SPDX-License-Identifier: Apache-2.0
// The command line: `bench_load CASE --name value …`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "load/traffic.hpp"

namespace roomcast::bench {

struct Options {
    std::string case_name;
    std::uint16_t port = 0;
    std::string protocol = "json";
    bool is_deflating = false;       ///< permessage-deflate on every connection
    bool is_tls = false;             ///< TLS on every connection
    std::vector<pid_t> pids;         ///< all processes of the server
    std::vector<pid_t> broker_pids;  ///< of the broker between its nodes, counted apart

    TrafficPlan traffic;
    double warmup_seconds = 1;
    double seconds = 4;

    std::uint32_t pipeline = 1;  ///< http: unanswered requests of each connection
    bool is_subscribed = true;   ///< http: whether the server has subscribers that can verify

    double visitors_per_second = 100;     ///< churn
    std::uint32_t stalled = 10;           ///< stalled: readers of the heavy channel
    bool is_stalling = true;              ///< stalled: whether they do stop reading
    std::uint32_t heavy_payload = 16384;  ///< stalled: bytes a message on the heavy channel
    double heavy_rate = 100;              ///< stalled: messages a second on it
};

/// Gives up on an unknown name or a bad value.
[[nodiscard]] Options parse_options(int argc, char** argv);

}  // namespace roomcast::bench

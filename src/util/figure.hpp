// SPDX-License-Identifier: Apache-2.0
// A number that a plug-in counts, on its way to /metrics.
#pragma once

#include <string_view>

namespace roomcast {

/// One sample of one metric. The texts live as long as the program.
struct Figure {
    std::string_view name;   // "roomcast_redis_connections_lost_total"
    std::string_view help;   // one line
    bool is_counter = true;  // else a gauge
    double value = 0;
    std::string_view label = {};        // one label at most, with values of our own choosing
    std::string_view label_value = {};  // figures of one name stand side by side
};

}  // namespace roomcast

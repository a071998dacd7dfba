// SPDX-License-Identifier: Apache-2.0
#include "brokers/broker_figures.hpp"

#include <string_view>

namespace roomcast {

std::vector<Figure> broker_figures(const HomeSide& homes, const BrokerCounts& counts) {
    const auto figure =
        [](std::string_view name, std::string_view help, bool is_counter, std::uint64_t value) {
            return Figure{.name = name,
                          .help = help,
                          .is_counter = is_counter,
                          .value = static_cast<double>(value)};
        };
    return {
        figure("roomcast_broker_pending_publishes",
               "Publications that wait for the broker's answer.",
               false,
               homes.pending_publishes()),
        figure("roomcast_broker_gaps_total",
               "Channels whose publications may have been missed while the broker was away.",
               true,
               counts.gaps),
        figure("roomcast_broker_messages_dropped_total",
               "Publications from the broker that found a shard too busy; told as gaps.",
               true,
               homes.dropped_messages()),
        figure("roomcast_broker_bad_messages_total",
               "Messages from the broker that were not publications, and were passed by.",
               true,
               homes.bad_messages() + counts.bad_messages),
        figure("roomcast_broker_connections_lost_total",
               "Connections to the broker that were lost.",
               true,
               counts.connections_lost),
        figure("roomcast_broker_calls_failed_total",
               "Commands that the broker refused or did not answer.",
               true,
               counts.calls_failed),
    };
}

}  // namespace roomcast

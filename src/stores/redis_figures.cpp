// SPDX-License-Identifier: Apache-2.0
#include "stores/redis_figures.hpp"

#include <chrono>

namespace roomcast {

namespace {

struct Row {
    std::string_view name;
    std::string_view help;
    bool is_counter;
    double unit;  // of the counted number, in the unit of the figure
    const Counter RedisPresenceCounters::*counter;
    std::string_view cause = {};
};

constexpr std::string_view kRepairs = "roomcast_presence_repairs_total";
constexpr std::string_view kRepairsHelp =
    "What did not agree between this node and Redis and was put right";

using Counters = RedisPresenceCounters;

constexpr Row kRows[] = {
    {"roomcast_presence_owned_users",
     "Users that this node holds in Redis",
     false,
     1,
     &Counters::users},
    {"roomcast_presence_owned_channels",
     "Channels with users that this node holds, or held lately",
     false,
     1,
     &Counters::channels},
    {"roomcast_presence_watched_channels",
     "Channels whose presence events this node receives",
     false,
     1,
     &Counters::watched},
    {"roomcast_presence_reap_delay_seconds",
     "How long the last reaped node was overdue",
     false,
     0.001,
     &Counters::reap_delay_ms},
    {"roomcast_presence_fenced_total",
     "Times this node was declared dead while it lived",
     true,
     1,
     &Counters::fenced},
    {"roomcast_presence_reaped_nodes_total",
     "Dead nodes whose users this node has let leave",
     true,
     1,
     &Counters::reaped_nodes},
    {"roomcast_presence_reaped_users_total",
     "Users of dead nodes who left because of this node",
     true,
     1,
     &Counters::reaped_users},
    {"roomcast_presence_restored_total",
     "Users written again because Redis might have lost them",
     true,
     1,
     &Counters::restored},
    {kRepairs, kRepairsHelp, true, 1, &Counters::repaired_missing, "missing"},
    {kRepairs, kRepairsHelp, true, 1, &Counters::repaired_not_held, "not_held"},
    {kRepairs, kRepairsHelp, true, 1, &Counters::repaired_unknown_owner, "unknown_owner"},
    {kRepairs, kRepairsHelp, true, 1, &Counters::repaired_foreign, "foreign"},
    {"roomcast_presence_gaps_total",
     "Times events were found missing by their sequence numbers",
     true,
     1,
     &Counters::gaps},
    {"roomcast_presence_data_losses_total",
     "Times the sequence numbers of a channel had started over",
     true,
     1,
     &Counters::data_losses},
    {"roomcast_presence_events_dropped_total",
     "Events dropped because a shard was behind; it takes a new snapshot",
     true,
     1,
     &Counters::events_dropped},
    {"roomcast_presence_unreadable_total",
     "Values and messages of others that are none",
     true,
     1,
     &Counters::unreadable},
    {"roomcast_presence_snapshots_total", "Snapshots read", true, 1, &Counters::snapshots},
    {"roomcast_presence_snapshot_seconds_total",
     "Time that snapshots have taken",
     true,
     0.000'001,
     &Counters::snapshot_us},
};

double seconds_since(std::int64_t steady_ms) {
    using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::steady_clock;
    if (steady_ms == 0) return -1;
    const auto now = duration_cast<milliseconds>(steady_clock::now().time_since_epoch());
    return static_cast<double>(now.count() - steady_ms) / 1'000;
}

}  // namespace

std::vector<Figure> redis_presence_figures(const RedisPresenceCounters& counters) {
    std::vector<Figure> all;
    for (const Row& row : kRows) {
        all.push_back({.name = row.name,
                       .help = row.help,
                       .is_counter = row.is_counter,
                       .value = static_cast<double>((counters.*row.counter).value()) * row.unit,
                       .label = row.cause.empty() ? "" : "cause",
                       .label_value = row.cause});
    }
    all.push_back({.name = "roomcast_presence_beat_age_seconds",
                   .help = "Since the last acknowledged beat; -1: none yet",
                   .is_counter = false,
                   .value = seconds_since(counters.last_beat_ms.load(std::memory_order_relaxed))});
    return all;
}

void append_redis_client_figures(std::vector<Figure>& all, const redis::ClientFigures& client) {
    all.push_back({.name = "roomcast_presence_connections_lost_total",
                   .help = "Connections to the presence Redis that were lost",
                   .value = static_cast<double>(client.connections_lost)});
    all.push_back({.name = "roomcast_presence_probes_missed_total",
                   .help = "Connections closed because a probe did not come back",
                   .value = static_cast<double>(client.probes_missed)});
    all.push_back({.name = "roomcast_presence_round_trip_seconds",
                   .help = "Of the last answer of the presence Redis",
                   .is_counter = false,
                   .value = static_cast<double>(client.last_round_trip_us) / 1'000'000});
}

}  // namespace roomcast

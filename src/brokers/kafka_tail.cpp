// SPDX-License-Identifier: Apache-2.0
#include "brokers/kafka_tail.hpp"

#include <utility>

namespace roomcast::kafka {

Outcome<std::int32_t, std::string> Tail::count_or_create(Cluster& cluster) const {
    auto count = cluster.count_partitions();
    if (!count && count.error().is_topic_missing) {
        if (auto created = cluster.create_topic(); !created) {
            return "the topic does not exist and cannot be created: " + created.error().text;
        }
        count = cluster.count_partitions();
    }
    if (!count) return std::move(count.error().text);
    return *count;
}

Outcome<Tail::Turn, std::string> Tail::turn(Cluster& cluster) {
    const auto count = count_or_create(cluster);
    if (!count) return count.error();
    auto ends = cluster.find_ends(*count);
    if (!ends) return std::move(ends.error().text);
    Turn turn{.begin = {}, .ends = *std::move(ends)};
    if (known_ == 0) {
        if (turn.ends.size() != static_cast<std::size_t>(*count)) {
            return "of " + std::to_string(*count) + " partitions of the topic only " +
                   std::to_string(turn.ends.size()) + " have a leader";
        }
        turn.begin = turn.ends;
        known_ = *count;
    }
    for (; known_ < *count; ++known_)
        turn.begin.push_back({known_, 0});
    for (const Position& end : turn.ends) {
        if (lost_.erase(end.partition) > 0) turn.begin.push_back(end);
    }
    return turn;
}

}  // namespace roomcast::kafka

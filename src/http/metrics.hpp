// SPDX-License-Identifier: Apache-2.0
// What operators see of a node: the text of /metrics, and the sums in /api/stats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/metrics.hpp"
#include "http/process_figures.hpp"
#include "util/figure.hpp"

namespace roomcast::http {

/// What is not counted by a shard.
struct NodeFigures {
    std::string_view version;  // "1.0.0"
    std::string_view broker;   // the kind: "memory"
    std::string_view presence_store;
    std::uint64_t log_lines_dropped = 0;
    std::vector<Figure> backends = {};  // what broker and store count; those of one name in a row
    bool is_ready = true;
    ProcessFigures process;
};

/// All shards' metrics, summed, in the Prometheus text format. Never names a channel or a user.
/// Safe from any thread while the shards count on.
[[nodiscard]] std::string metrics_text(std::span<const ShardMetrics* const> shards,
                                       const NodeFigures& node);

/// The same sums as fields of a JSON object, for /api/stats: `"connections":3,"sessions":2,…`,
/// without the braces, so that the caller adds its own.
[[nodiscard]] std::string stats_fields(std::span<const ShardMetrics* const> shards,
                                       const ProcessFigures& process);

}  // namespace roomcast::http

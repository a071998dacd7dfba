// SPDX-License-Identifier: Apache-2.0
// Which nodes are there, as far as this one has heard.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/control_messages.hpp"
#include "core/hub_client.hpp"
#include "model/ids.hpp"
#include "util/clock.hpp"

namespace roomcast {

/// The other nodes of the cluster, kept on the first shard. A node that is silent for kNodeSilence
/// is forgotten; no more than kMaxNodes are kept.
class NodeDirectory {
public:
    static constexpr std::size_t kMaxNodes = 1'000;

    /// True: that node was not known.
    bool hear(NodeAnnouncement announcement, SteadyTime now);
    /// In the order of names.
    [[nodiscard]] std::vector<NodeSummary> nodes(SteadyTime now);

private:
    struct Node {
        NodeAnnouncement announcement;
        SteadyTime heard;
    };

    void forget_silent(SteadyTime now);

    std::unordered_map<NodeId, Node> nodes_;
};

}  // namespace roomcast

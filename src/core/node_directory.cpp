// SPDX-License-Identifier: Apache-2.0
#include "core/node_directory.hpp"

#include <algorithm>
#include <utility>

#include "util/hex.hpp"

namespace roomcast {

bool NodeDirectory::hear(NodeAnnouncement announcement, SteadyTime now) {
    forget_silent(now);
    const bool is_new = !nodes_.contains(announcement.id);
    if (is_new && nodes_.size() >= kMaxNodes) return false;
    const NodeId id = announcement.id;
    nodes_.insert_or_assign(id, Node{std::move(announcement), now});
    return is_new;
}

std::vector<NodeSummary> NodeDirectory::nodes(SteadyTime now) {
    forget_silent(now);
    std::vector<NodeSummary> found;
    found.reserve(nodes_.size());
    for (const auto& [id, node] : nodes_) {
        found.push_back(
            {.name = node.announcement.name,
             .id = to_hex(static_cast<std::uint64_t>(id)),
             .version = node.announcement.version,
             .connections = node.announcement.connections,
             .is_draining = node.announcement.is_draining,
             .heard_ago = std::chrono::duration_cast<std::chrono::milliseconds>(now - node.heard)});
    }
    std::ranges::sort(found, {}, &NodeSummary::name);
    return found;
}

void NodeDirectory::forget_silent(SteadyTime now) {
    std::erase_if(nodes_, [&](const auto& each) { return now - each.second.heard > kNodeSilence; });
}

}  // namespace roomcast

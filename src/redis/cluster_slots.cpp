// SPDX-License-Identifier: Apache-2.0
// Which node owns which slot, and whether all of them can be reached.
#include <algorithm>
#include <utility>

#include "redis/cluster_client.hpp"

namespace roomcast::redis {

namespace {

/// The map is looked at again while all is well, too: a node that only receives messages gets no
/// MOVED.
constexpr std::chrono::milliseconds kRefreshInterval{5'000};
constexpr std::chrono::milliseconds kRefreshIntervalInTrouble{300};

}  // namespace

ClusterNode& ClusterClient::node_at(const net::Endpoint& endpoint) {
    std::unique_ptr<ClusterNode>& node = nodes_[net::to_text(endpoint)];
    if (!node) {
        ClusterNodeSink& sink = *this;  // a private base, which make_unique() cannot see
        node = std::make_unique<ClusterNode>(loop_, options_, endpoint, counters(), sink);
    }
    return *node;
}

void ClusterClient::open_seeds() {
    for (const net::Endpoint& endpoint : options_.address.endpoints)
        (void)node_at(endpoint);
}

void ClusterClient::on_node_ready(ClusterNode& node) {
    if (!std::exchange(is_sharding_known_, true)) {
        is_sharded_ = options_.has_sharded_channels && node.server().major_version >= 7;
        for (auto& [name, channel] : channels_)
            channel.slot = slot_of(name, channel.key);
    }
    node.begin(is_sharded_);
    update_state();
    if (!is_connected_) refresh(&node);
}

void ClusterClient::on_node_lost(ClusterNode& node, const std::string& detail) {
    if (!sink_) return;
    problem_ = detail;
    update_state();
    if (is_connected_) return;  // it owned nothing
    refresh(nullptr);
    // None is left to ask: those of the settings may know new ones.
    const bool is_any_ready =
        std::ranges::any_of(nodes_, [](const auto& entry) { return entry.second->is_ready(); });
    if (!is_any_ready && node.is_owner) open_seeds();
}

// ---- The map ----

void ClusterClient::arm_refresh() {
    loop_.timers().cancel(refresh_timer_);
    const auto interval = is_connected_ ? kRefreshInterval : kRefreshIntervalInTrouble;
    refresh_timer_ = loop_.timers().add(loop_.now() + interval, [this] { on_refresh_due(); });
}

void ClusterClient::on_refresh_due() {
    arm_refresh();
    remove_strangers();
    refresh(nullptr);
}

/// Asks `asked`, or any node. One question at a time: the timer asks again.
void ClusterClient::refresh(ClusterNode* asked) {
    if (is_asking_for_slots_) return;
    if (!asked || !asked->is_ready()) {
        const auto ready = std::ranges::find_if(
            nodes_, [](const auto& entry) { return entry.second->is_ready(); });
        if (ready == nodes_.end()) return;
        asked = ready->second.get();
    }
    is_asking_for_slots_ = true;
    redirected_to_ = nullptr;
    asked->send(
        make_call({"CLUSTER", "SLOTS"}, [this, from = asked->endpoint()](const Reply& reply) {
            is_asking_for_slots_ = false;
            if (!sink_) return;
            // The node that was asked may not have known yet what a redirect has told meanwhile.
            if (redirected_to_ && reply) return refresh(redirected_to_);
            on_slots(from, reply);
        }));
}

void ClusterClient::on_slots(const net::Endpoint& from, const Reply& reply) {
    if (!reply) {
        // A connection that was lost says so itself.
        if (reply.error().fault == Fault::refused) problem_ = reply.error().text;
        return update_state();
    }
    const auto ranges = read_slots(*reply, from);
    if (!ranges) {
        problem_ = ranges.error();
        return update_state();
    }
    apply(*ranges);
}

void ClusterClient::apply(const std::vector<SlotRange>& ranges) {
    has_slot_map_ = true;
    std::vector<ClusterNode*> owners(kSlots, nullptr);
    for (const auto& [name, node] : nodes_)
        node->is_owner = false;
    for (const SlotRange& range : ranges) {
        ClusterNode& node = node_at(range.owner);
        node.is_owner = true;
        std::fill(owners.begin() + range.first, owners.begin() + range.last + 1, &node);
    }
    if (owners != owners_ || std::exchange(have_owners_changed_, false)) {
        set_owners(std::move(owners));
        move_channels();
    }
    update_state();
}

void ClusterClient::set_owners(std::vector<ClusterNode*> owners) {
    std::map<ClusterNode*, std::vector<std::uint16_t>> lost;
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
        ClusterNode* const old = owners_[slot];
        if (old && old != owners[slot]) lost[old].push_back(static_cast<std::uint16_t>(slot));
    }
    owners_ = std::move(owners);
    for (auto& [node, slots] : lost)
        close_gates(*node, std::move(slots));
}

void ClusterClient::set_owner(std::uint16_t slot, ClusterNode& node) {
    ClusterNode* const old = owners_[slot];
    if (old == &node) return;
    owners_[slot] = &node;
    node.is_owner = true;
    have_owners_changed_ = true;
    redirected_to_ = &node;
    if (old) close_gates(*old, {slot});
    update_state();
}

/// A node that has no slot any more may still have calls to answer: it goes at the second look.
void ClusterClient::remove_strangers() {
    std::vector<std::string> strangers;
    for (const auto& [name, node] : nodes_) {
        const bool is_used =
            node->is_owner || node->subscriptions().size() > 0 ||
            std::ranges::any_of(delayed_, [&](const Delayed& one) { return one.to == node.get(); });
        if (is_connected_ && !is_used) strangers.push_back(name);
    }
    for (const std::string& name : strangers) {
        if (std::ranges::count(strangers_, name) == 0) continue;
        const auto removed = nodes_.extract(name);
        removed.mapped()->stop("the node has no slots any more");
    }
    strangers_ = std::move(strangers);
}

// ---- The state ----

void ClusterClient::update_state() {
    if (!sink_) return;
    const ClusterNode* missing = nullptr;
    bool is_complete = true;
    for (const ClusterNode* owner : owners_) {
        if (!owner) {
            is_complete = false;
        } else if (!owner->is_ready()) {
            missing = owner;
        }
    }
    const bool was_connected = std::exchange(is_connected_, is_complete && !missing);
    if (is_connected_ != was_connected) arm_refresh();
    if (is_connected_) {
        problem_.clear();
        const auto count =
            std::ranges::count_if(nodes_, [](const auto& entry) { return entry.second->is_owner; });
        return tell("Cluster of " + std::to_string(count) + " masters");
    }
    if (!problem_.empty()) return tell(problem_);
    if (has_slot_map_ && !is_complete) return tell("the Cluster does not serve all slots");
    if (was_connected) tell("connecting with " + net::to_text(missing->endpoint()));
}

void ClusterClient::tell(std::string detail) {
    if (is_connected_ == is_told_connected_ && detail == told_detail_) return;
    // How many masters there are is no news while all goes well.
    if (is_connected_ && is_told_connected_) return;
    is_told_connected_ = is_connected_;
    told_detail_ = std::move(detail);
    if (sink_) sink_->on_state(is_told_connected_, told_detail_);
}

}  // namespace roomcast::redis

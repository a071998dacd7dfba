// SPDX-License-Identifier: Apache-2.0
// Channels, and how they follow their slots.
#include <utility>

#include "redis/cluster_client.hpp"

namespace roomcast::redis {

std::uint16_t ClusterClient::slot_of(const std::string& channel, std::string_view key) const {
    return key_slot(is_sharded_ ? std::string_view(channel) : key);
}

void ClusterClient::subscribe(const std::string& channel, std::string_view key) {
    const auto [found, is_new] = channels_.try_emplace(channel);
    if (!is_new) return;
    Channel& added = found->second;
    added.key = key;
    added.slot = slot_of(channel, key);
    added.node = owners_[added.slot];
    if (added.node) added.node->subscriptions().add(channel);
}

void ClusterClient::unsubscribe(const std::string& channel) {
    const auto found = channels_.find(channel);
    if (found == channels_.end()) return;
    if (found->second.node) (void)found->second.node->subscriptions().remove(channel);
    channels_.erase(found);
}

void ClusterClient::move(const std::string& name, Channel& channel) {
    ClusterNode* const to = owners_[channel.slot];
    if (to == channel.node || !to) return;  // without an owner it stays and waits
    const bool was_live = channel.node && channel.node->subscriptions().remove(name);
    channel.node = to;
    // A sharded channel is told by its owner alone.
    if (!is_sharded_ && (was_live || channel.move != 0)) channel.move = ++moves_;
    to->subscriptions().add(name, was_live);
}

void ClusterClient::move_channels() {
    for (auto& [name, channel] : channels_)
        move(name, channel);
}

void ClusterClient::on_node_subscribed(ClusterNode& node,
                                       const std::string& channel,
                                       bool may_have_missed) {
    const auto found = channels_.find(channel);
    if (!sink_ || found == channels_.end()) return;
    if (found->second.move == 0) return sink_->on_subscribed(channel, may_have_missed);
    node.handover().add({channel, found->second.move});
    begin_handover(node);
}

void ClusterClient::begin_handover(ClusterNode& node) {
    std::vector<ClusterNode*> others;
    for (const auto& [name, other] : nodes_) {
        if (other.get() != &node && other->is_ready()) others.push_back(other.get());
    }
    const auto mark = node.handover().begin(others.size(), [this, &node] { end_handover(node); });
    if (!mark) return;
    for (ClusterNode* const other : others) {
        // A mark that fails is late.
        other->send(make_call({"PUBLISH", node.mark_channel(), *mark}, [](const Reply&) {}));
    }
    if (others.empty()) end_handover(node);
}

void ClusterClient::on_node_mark(ClusterNode& node, std::string_view text) {
    if (node.handover().on_mark(text)) end_handover(node);
}

void ClusterClient::end_handover(ClusterNode& node) {
    for (const Handover::Channel& handed : node.handover().end()) {
        const auto found = channels_.find(handed.name);
        if (!sink_ || found == channels_.end() || found->second.move != handed.move) continue;
        found->second.move = 0;
        sink_->on_subscribed(handed.name, true);
    }
    if (sink_) begin_handover(node);  // of those that were confirmed meanwhile
}

void ClusterClient::on_node_subscribe_refused(ClusterNode& node,
                                              const std::string& channel,
                                              std::string_view error) {
    const auto redirect = read_redirect(error, node.endpoint());
    if (!redirect) {
        if (sink_ && !is_passing(error)) sink_->on_subscribe_refused(channel, error);
        return;
    }
    ClusterNode& to = node_at(redirect->to);
    set_owner(redirect->slot, to);
    refresh(&to);
    if (const auto found = channels_.find(channel); found != channels_.end()) {
        move(found->first, found->second);
    }
}

void ClusterClient::on_node_message(ClusterNode& node,
                                    std::string_view channel,
                                    std::string_view payload) {
    // While a channel moves both nodes may send it (plain channels are known to all nodes): only
    // the new one counts, once the handover is over.
    const auto found = channels_.find(channel);
    if (!sink_ || found == channels_.end()) return;
    if (found->second.node == &node && found->second.move == 0) {
        sink_->on_message(channel, payload);
    }
}

void ClusterClient::on_node_batch_end() {
    if (sink_) sink_->on_batch_end();
}

}  // namespace roomcast::redis

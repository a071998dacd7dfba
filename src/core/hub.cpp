// SPDX-License-Identifier: Apache-2.0
#include "core/hub.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "core/home.hpp"
#include "util/assert.hpp"
#include "util/hex.hpp"
#include "util/random.hpp"

namespace roomcast {

namespace {

/// Ids count up from a random number below 2^52: unique within this process, all but certainly
/// among nodes, and below 2^53 for as long as anybody publishes.
std::uint64_t draw_first_message_id() {
    return (random_u64() >> 12) + 1;
}

}  // namespace

Hub::Hub(HubServices services, ShardIndex shard_count, std::function<void(ShardIndex)> wake)
    : services_(std::move(services)),
      shard_count_(shard_count),
      wake_(std::move(wake)),
      first_message_id_(draw_first_message_id()) {
    ASSERT(shard_count > 0);
    for (ShardIndex index = 0; index < shard_count; ++index) {
        shards_.push_back(std::make_unique<Shard>(*this, index));
    }
}

Hub::~Hub() = default;

void Hub::start() {
    services_.broker.start(*this, *this);
    services_.presence.start(*this, *this);
    announce_again_later();
}

void Hub::stop() {
    services_.broker.stop();
    services_.presence.stop();
}

void Hub::post(ShardIndex shard, std::function<void(Shard&)> work) {
    shards_[shard]->mailbox().put_control(Entry(std::in_place_type<Work>, std::move(work)));
}

void Hub::post(ShardIndex shard, std::function<void()> work) {
    post(shard, [work = std::move(work)](Shard&) { work(); });
}

void Hub::on_message(BusMessage message) {
    Home& home = shards_[home_of(message.channel)]->home();
    home.on_message(message);
}

void Hub::on_gap(const ChannelName& channel) {
    shards_[home_of(channel)]->home().on_gap(channel);
}

void Hub::on_state(bool is_connected, std::string_view detail) {
    if (services_.on_broker_state) services_.on_broker_state(is_connected, detail);
    if (is_connected) post(kDirectoryShard, [this](Shard&) { announce(); });
}

void Hub::on_store_state(bool is_connected, std::string_view detail) {
    if (services_.on_store_state) services_.on_store_state(is_connected, detail);
    if (!is_connected) return;
    for (ShardIndex shard = 0; shard < shard_count_; ++shard)
        post(shard, [](Shard& home) { home.home().retry_presence(); });
}

void Hub::on_control(std::string_view text) {
    ControlMessage message = parse_control(text);
    if (auto* announcement = std::get_if<NodeAnnouncement>(&message)) {
        if (announcement->id == services_.node_id) return;
        post(kDirectoryShard, [this, heard = std::move(*announcement)](Shard&) { hear(heard); });
    }
    if (const auto* command = std::get_if<DisconnectUser>(&message)) {
        if (command->from == services_.node_id) return;  // done already
        for (ShardIndex shard = 0; shard < shard_count_; ++shard) {
            post(shard, [user_id = command->user_id](Shard& it) { it.disconnect_user(user_id); });
        }
    }
}

void Hub::hear(NodeAnnouncement announcement) {
    // Who has just come does not know this node either.
    if (directory_.hear(std::move(announcement), shards_[kDirectoryShard]->now())) announce();
}

void Hub::announce() {
    tell_nodes(encode(describe_self()));
}

void Hub::announce_again_later() {
    Shard& shard = *shards_[kDirectoryShard];
    (void)shard.timers().add(shard.now() + kNodeAnnouncePause, [this] {
        announce();
        announce_again_later();
    });
}

NodeAnnouncement Hub::describe_self() {
    std::size_t connections = 0;
    for (const auto& shard : shards_)
        connections += shard->metrics().sessions.value();
    return {.id = services_.node_id,
            .name = services_.node_name,
            .version = services_.server_version,
            .connections = connections,
            .is_draining = shards_[kDirectoryShard]->is_draining()};
}

std::vector<NodeSummary> Hub::nodes() {
    std::vector<NodeSummary> nodes = directory_.nodes(shards_[kDirectoryShard]->now());
    const NodeAnnouncement self = describe_self();
    nodes.push_back({.name = self.name,
                     .id = to_hex(static_cast<std::uint64_t>(self.id)),
                     .version = self.version,
                     .connections = self.connections,
                     .is_draining = self.is_draining,
                     .is_self = true});
    std::ranges::sort(nodes, {}, &NodeSummary::name);
    return nodes;
}

void Hub::on_event(PresenceEvent event) {
    shards_[home_of(event.channel)]->home().on_event(event);
}

void Hub::on_lost(const ChannelName& channel) {
    shards_[home_of(channel)]->home().on_lost(channel);
}

}  // namespace roomcast

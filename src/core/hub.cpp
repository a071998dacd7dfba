// SPDX-License-Identifier: Apache-2.0
#include "core/hub.hpp"

#include <utility>

#include "core/home.hpp"
#include "util/assert.hpp"
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
    home.on_message(std::move(message));
}

void Hub::on_gap(const ChannelName& channel) {
    shards_[home_of(channel)]->home().on_gap(channel);
}

void Hub::on_state(bool is_connected, std::string_view detail) {
    if (services_.on_broker_state) services_.on_broker_state(is_connected, detail);
}

void Hub::on_control(std::string_view /*message*/) {}

void Hub::on_store_state(bool is_connected, std::string_view detail) {
    if (services_.on_store_state) services_.on_store_state(is_connected, detail);
}

void Hub::on_event(PresenceEvent event) {
    shards_[home_of(event.channel)]->home().on_event(event);
}

void Hub::on_lost(const ChannelName& channel) {
    shards_[home_of(channel)]->home().on_lost(channel);
}

}  // namespace roomcast

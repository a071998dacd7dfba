// SPDX-License-Identifier: Apache-2.0
#include "core/post_office.hpp"

#include <utility>

#include "core/home.hpp"
#include "core/hub.hpp"
#include "core/shard.hpp"

namespace roomcast {

PostOffice::PostOffice(Hub& hub, Shard& shard, ShardMailbox::Bounds bounds)
    : hub_(hub),
      shard_(shard),
      bounds_(bounds),
      routes_(hub.shard_count()) {}

void PostOffice::to_home(const ChannelName& channel, Entry&& entry) {
    const ShardIndex target = hub_.home_of(channel);
    if (target != shard_.index()) return routes_[target].batch.push_back(std::move(entry));
    if (const auto bytes = data_bytes(entry)) {
        if (own_data_entries_ >= bounds_.data_entries ||
            own_data_bytes_ + *bytes > bounds_.data_bytes) {
            // The only data that goes to a home.
            shard_.metrics().mailbox_refused.add();
            return shard_.on_publish_refused(*std::get<std::unique_ptr<Publish>>(entry));
        }
        ++own_data_entries_;
        own_data_bytes_ += *bytes;
    }
    own_.push_back(std::move(entry));
}

void PostOffice::to_shard(ShardIndex target, Entry&& entry) {
    if (target == shard_.index()) return shard_.receive(std::move(entry));
    routes_[target].batch.push_back(std::move(entry));
}

bool PostOffice::take_own(Entry& entry) {
    if (own_next_ == own_taken_.size()) {
        own_taken_.clear();
        own_next_ = 0;
        if (own_.empty()) return false;
        own_taken_.swap(own_);
    }
    entry = std::move(own_taken_[own_next_++]);
    if (const auto bytes = data_bytes(entry)) {
        --own_data_entries_;
        own_data_bytes_ -= *bytes;
    }
    return true;
}

bool PostOffice::is_empty() const {
    if (own_next_ != own_taken_.size() || !own_.empty()) return false;
    for (const Route& route : routes_) {
        if (!route.batch.empty()) return false;
    }
    return true;
}

void PostOffice::hand_over() {
    ShardIndex target = 0;
    for (Route& route : routes_) {
        if (!route.batch.empty()) hand_over(target, route);
        ++target;
    }
}

void PostOffice::hand_over(ShardIndex target, Route& route) {
    std::vector<std::unique_ptr<Publish>> publishes;
    std::unordered_set<ChannelName, ChannelNameHash> presence;
    bool has_refused = false;
    const auto refuse = [&](Entry& entry) {
        has_refused = true;
        shard_.metrics().mailbox_refused.add();
        if (auto* deliver = std::get_if<Deliver>(&entry)) {
            // One mark for all that is lost until something fits again: it stands where the first
            // loss was, and the next delivery can only come behind it.
            if (!route.gapped.insert(deliver->channel).second) return false;
            const ChannelName channel = deliver->channel;
            entry = GapMark{channel, GapReason::overload};
            return true;
        }
        if (auto* deliver = std::get_if<DeliverPresence>(&entry)) {
            presence.insert(std::move(deliver->channel));
        } else {
            publishes.push_back(std::move(std::get<std::unique_ptr<Publish>>(entry)));
        }
        return false;
    };
    // A delivery that fits ends its channel's gap: the next loss needs a mark of its own.
    std::size_t accepted = 0;
    const auto accept = [&](const Entry& entry) {
        ++accepted;
        if (route.gapped.empty()) return;
        if (const auto* deliver = std::get_if<Deliver>(&entry))
            route.gapped.erase(deliver->channel);
    };
    std::vector<Entry> batch;
    batch.swap(route.batch);
    hub_.shard(target).mailbox().put_batch(batch, data_bytes, accept, refuse);
    // There is room again: channels that have gone quiet need not be remembered.
    if (accepted > 0 && !has_refused) route.gapped.clear();
    batch.swap(route.batch);  // empty now: its memory is used again
    for (const auto& publish : publishes)
        shard_.on_publish_refused(*publish);
    for (const ChannelName& channel : presence) {
        shard_.home().on_presence_refused(channel, target);
    }
}

}  // namespace roomcast

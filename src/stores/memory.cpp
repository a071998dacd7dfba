// SPDX-License-Identifier: Apache-2.0
#include "stores/memory.hpp"

#include <utility>

#include "model/home_shard.hpp"

namespace roomcast {

namespace {

bool is_same(const MetaText& a, const MetaText& b) {
    return a == b || (a && b && *a == *b);
}

}  // namespace

MemoryPresenceStore::MemoryPresenceStore(const Clock& clock, ShardIndex shard_count)
    : clock_(clock),
      parts_(shard_count) {}

void MemoryPresenceStore::start(PresenceSink& sink, Executor& /*executor*/) {
    sink_ = &sink;
    is_started_ = true;
}

MemoryPresenceStore::Part& MemoryPresenceStore::part_of(const ChannelName& channel) {
    return parts_[home_shard(channel, static_cast<ShardIndex>(parts_.size()))];
}

void MemoryPresenceStore::watch(const ChannelName& channel) {
    part_of(channel).channels[channel].is_watched = true;
}

void MemoryPresenceStore::unwatch(const ChannelName& channel) {
    Part& part = part_of(channel);
    const auto found = part.channels.find(channel);
    if (found == part.channels.end()) return;
    found->second.is_watched = false;
    close_if_empty(part, found);
}

void MemoryPresenceStore::join(const ChannelName& channel,
                               const std::string& user,
                               MetaText meta,
                               PresenceCallback done) {
    if (!is_started_) return done(Errc::unavailable);
    put(channel, user, std::move(meta), false);
    done({});
}

void MemoryPresenceStore::update(const ChannelName& channel,
                                 const std::string& user,
                                 MetaText meta,
                                 PresenceCallback done) {
    if (!is_started_) return done(Errc::unavailable);
    put(channel, user, std::move(meta), true);
    done({});
}

void MemoryPresenceStore::put(const ChannelName& name,
                              const std::string& user,
                              MetaText meta,
                              bool is_update) {
    Part& part = part_of(name);
    Channel& channel = part.channels[name];
    const auto [found, is_new] = channel.users.try_emplace(user);
    PresenceEntry& entry = found->second;
    if (!is_new && !is_update && is_same(entry.meta, meta)) return;
    entry.user_id = user;
    entry.meta = std::move(meta);
    entry.updated_at = clock_.wall_ms() / 1000;
    announce(part,
             channel,
             {.change = is_new ? PresenceChange::join : PresenceChange::update,
              .channel = name,
              .entry = entry});
}

void MemoryPresenceStore::leave(const ChannelName& name,
                                const std::string& user,
                                PresenceCallback done) {
    if (!is_started_) return done(Errc::unavailable);
    Part& part = part_of(name);
    const auto found = part.channels.find(name);
    if (found != part.channels.end() && found->second.users.erase(user) > 0) {
        announce(part,
                 found->second,
                 {.change = PresenceChange::leave, .channel = name, .entry = {user, nullptr}});
        close_if_empty(part, found);
    }
    done({});
}

void MemoryPresenceStore::snapshot(const ChannelName& channel, SnapshotCallback done) {
    if (!is_started_) return done(Errc::unavailable);
    const Part& part = part_of(channel);
    PresenceSnapshot snapshot{.users = {}, .sequence = part.sequence};
    const auto found = part.channels.find(channel);
    if (found != part.channels.end()) {
        snapshot.users.reserve(found->second.users.size());
        for (const auto& [user, entry] : found->second.users)
            snapshot.users.push_back(entry);
    }
    done(std::move(snapshot));
}

void MemoryPresenceStore::announce(Part& part, const Channel& channel, PresenceEvent event) {
    event.sequence = ++part.sequence;
    if (!channel.is_watched) return;
    event.ts_ms = clock_.wall_ms();
    sink_->on_event(std::move(event));
}

void MemoryPresenceStore::close_if_empty(Part& part, Channels::iterator channel) {
    if (!channel->second.is_watched && channel->second.users.empty()) part.channels.erase(channel);
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The embedded presence store of a single node.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/channel_name.hpp"
#include "model/ids.hpp"
#include "stores/presence_store.hpp"
#include "util/clock.hpp"
#include "util/hash.hpp"

namespace roomcast {

/// Answers and announces from within each call. Nothing is locked: the state is in parts, one for
/// each shard, and a call about a channel touches the part of its home shard alone, on that shard.
class MemoryPresenceStore final : public PresenceStore {
public:
    /// `shard_count` is that of the hub.
    MemoryPresenceStore(const Clock& clock, ShardIndex shard_count);

    [[nodiscard]] std::string_view name() const override { return "memory"; }

    [[nodiscard]] bool is_connected() const override { return is_started_; }

    void start(PresenceSink& sink, Executor& executor) override;

    void stop() override { is_started_ = false; }

    void watch(const ChannelName& channel) override;
    void unwatch(const ChannelName& channel) override;
    void join(const ChannelName& channel,
              const std::string& user,
              MetaText meta,
              PresenceCallback done) override;
    void update(const ChannelName& channel,
                const std::string& user,
                MetaText meta,
                PresenceCallback done) override;
    void leave(const ChannelName& channel, const std::string& user, PresenceCallback done) override;
    void snapshot(const ChannelName& channel, SnapshotCallback done) override;

private:
    struct Channel {
        bool is_watched = false;
        std::unordered_map<std::string, PresenceEntry, SeededStringHash, std::equal_to<>> users;
    };

    using Channels = std::unordered_map<ChannelName, Channel, ChannelNameHash>;

    /// On cache lines of its own, as another thread writes its neighbour.
    struct alignas(64) Part {
        Channels channels;
        /// One for all channels: it must not start over for a channel that was empty in between.
        std::uint64_t sequence = 0;
    };

    [[nodiscard]] Part& part_of(const ChannelName& channel);
    void put(const ChannelName& channel, const std::string& user, MetaText meta, bool is_update);
    void announce(Part& part, const Channel& channel, PresenceEvent event);
    static void close_if_empty(Part& part, Channels::iterator channel);

    const Clock& clock_;
    PresenceSink* sink_ = nullptr;
    std::atomic<bool> is_started_ = false;  // asked by the readiness probe of any shard
    std::vector<Part> parts_;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The channels whose presence events this node listens to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "stores/presence_store.hpp"
#include "stores/redis_context.hpp"
#include "stores/redis_homes.hpp"
#include "stores/redis_snapshots.hpp"
#include "util/hash.hpp"
#include "util/timer_queue.hpp"

namespace roomcast {

/// Passes events on and sees where some are missing: at each new connection, and wherever the
/// sequence number of an event is not the one that follows. Then the home is told, and takes a new
/// snapshot.
///
/// A number that has started over says that Redis has lost data. Its nodes put back their users
/// then, which takes a while; a snapshot in between would make everybody leave and come back. So it
/// waits for that time; what the home knows stays as it is meanwhile. Bus thread only.
class RedisWatches {
public:
    RedisWatches(RedisPresenceContext& context, RedisSnapshots& snapshots, RedisHomes& homes);
    ~RedisWatches();
    RedisWatches(const RedisWatches&) = delete;
    RedisWatches& operator=(const RedisWatches&) = delete;

    void watch(const ChannelName& channel);
    void unwatch(const ChannelName& channel);
    [[nodiscard]] bool has(const ChannelName& channel) const;

    /// Of a watched channel: read once its events arrive.
    void snapshot(const ChannelName& channel, SnapshotCallback done);

    void on_subscribed(const std::string& bus, bool may_have_missed);
    void on_refused(const std::string& bus);
    void on_message(std::string_view bus, std::string_view payload);
    void on_disconnected();

    /// The channel was looked through in Redis. Where gateways of the replaced service write, whose
    /// events may be lost unseen, the home compares.
    void on_audited(const ChannelName& channel, bool has_foreign_entries);

private:
    struct Watch {
        ChannelName channel;
        bool is_confirmed = false;
        bool is_lost_told = false;  // and no snapshot was asked for since
        bool has_settled = false;   // the next snapshot is taken as it is
        bool has_foreign = false;   // events without a number have come since the last audit
        bool had_foreign = false;
        std::uint64_t serial = 0;    // apart from an earlier watch of the channel
        std::uint64_t sequence = 0;  // of the last event or snapshot; 0: none yet
        std::uint64_t snapshot = 0;  // of the last snapshot
        std::vector<SnapshotCallback> waiting;
        std::vector<SnapshotCallback> reading;  // are answered by what is under way
        TimerId settle_timer;
    };

    using Watches = std::unordered_map<std::string, Watch, SeededStringHash, std::equal_to<>>;

    [[nodiscard]] Watch* find(std::string_view bus);
    void check_sequence(Watch& watch, std::uint64_t sequence);
    void lost(Watch& watch);
    void settle(const std::string& bus, Watch& watch);
    void on_settled(const std::string& bus);
    void read(const std::string& bus, Watch& watch);
    /// `known`: the last number before the snapshot was asked for.
    void on_snapshot(const std::string& bus,
                     Watch& watch,
                     std::uint64_t known,
                     Result<PresenceSnapshot> snapshot);
    static void answer(std::vector<SnapshotCallback>& callbacks, Result<PresenceSnapshot> snapshot);

    RedisPresenceContext& context_;
    RedisSnapshots& snapshots_;
    RedisHomes& homes_;
    Watches watches_;
    std::uint64_t watches_made_ = 0;
};

}  // namespace roomcast

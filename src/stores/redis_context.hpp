// SPDX-License-Identifier: Apache-2.0
// What the parts of the Redis presence store share: settings, times, counts, and the calls that
// more than one of them makes. All of it lives on the bus thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "model/channel_name.hpp"
#include "model/presence_entry.hpp"
#include "net/loop.hpp"
#include "redis/client.hpp"
#include "stores/redis_wire.hpp"
#include "util/clock.hpp"
#include "util/counter.hpp"

namespace roomcast {

struct RedisPresenceOptions {
    /// How long presence outlives its last sign of life; all other times follow from it.
    std::chrono::milliseconds presence_ttl{60'000};
    /// How long after stop() the users that this node still holds may come back through another
    /// node before they leave.
    std::chrono::milliseconds hand_over_grace{5'000};
    /// Of all keys but the presence hashes. Without braces.
    std::string prefix = "rc:";
    /// Operations that may be under way or wait for Redis; more are refused.
    std::size_t pending_operations = 65'536;
    /// What may wait unhandled for one home shard; more is dropped and reported as lost.
    std::size_t mailbox_entries = 65'536;
    std::size_t mailbox_bytes = 67'108'864;
};

/// What follows from the presence TTL.
struct RedisPresenceTimes {
    using Duration = std::chrono::milliseconds;

    explicit RedisPresenceTimes(Duration presence_ttl);

    Duration ttl;
    Duration lease;      // a node that is silent for so long is dead
    Duration beat;       // renews the lease
    Duration own_lease;  // this node writes nothing once its last beat is older
    Duration touch;      // of each channel with users of this node
    Duration audit;      // of each channel with users or listeners of this node
    Duration settle;     // after a loss of data: until all nodes have put back their users
};

/// Written on the bus thread, read from any.
struct RedisPresenceCounters {
    Counter users;
    Counter channels;
    Counter watched;
    Counter fenced;
    Counter reaped_nodes;
    Counter reaped_users;
    Counter reap_delay_ms;  // by how much the last node was overdue
    Counter restored;       // users put back, whatever had shown that they were lost
    Counter repaired_missing;
    Counter repaired_not_held;
    Counter repaired_unknown_owner;
    Counter repaired_foreign;
    Counter gaps;
    Counter data_losses;  // sequence numbers that started over
    Counter events_dropped;
    Counter snapshots;
    Counter snapshot_us;
    Counter unreadable;
    /// Steady time of the last acknowledged beat, in ms; 0: none.
    std::atomic<std::int64_t> last_beat_ms{0};
};

/// Bus thread only.
struct RedisPresenceContext {
    RedisPresenceContext(const RedisPresenceOptions& wanted,
                         net::Loop& bus,
                         redis::Client& redis,
                         RedisPresenceCounters& counts);

    /// `duration` less or more up to a tenth, so that nodes and channels spread out.
    [[nodiscard]] SteadyTime after_about(std::chrono::milliseconds duration);

    [[nodiscard]] RedisChannelKeys keys_of(const ChannelName& channel) const {
        return redis_channel_keys(options.prefix, channel);
    }

    const RedisPresenceOptions& options;
    const RedisPresenceTimes times;
    const RedisNodeKeys nodes;
    net::Loop& loop;
    redis::Client& client;
    RedisPresenceCounters& counters;
    std::minstd_rand random;
};

enum class UpsertKind : std::uint8_t { join, update, restore };

struct RedisUser {
    ChannelName channel;
    std::string user_id;
    MetaText meta;
};

/// Users of one leave or expire call.
inline constexpr std::size_t kMaxUsersPerScript = 200;

void upsert_presence(RedisPresenceContext& context,
                     const RedisUser& user,
                     const std::string& node,
                     UpsertKind kind,
                     redis::ReplyCallback done);

/// At most kMaxUsersPerScript users.
void leave_presence(RedisPresenceContext& context,
                    const ChannelName& channel,
                    const std::string& node,
                    std::span<const std::string> users,
                    redis::ReplyCallback done);

/// One page of a scan of a hash or set: the cursor behind it and what it holds.
struct RedisPage {
    std::string cursor;  // "0": that was the last one
    std::vector<resp::Value> items;
};

/// Error: false answer or none at all.
using RedisPageCallback = std::function<void(Outcome<RedisPage, redis::Error>)>;

/// `command`: "HSCAN" or "SSCAN".
void scan_page(RedisPresenceContext& context,
               std::string_view command,
               const std::string& key,
               const std::string& cursor,
               int count,
               RedisPageCallback done);

}  // namespace roomcast

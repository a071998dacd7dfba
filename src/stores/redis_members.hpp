// SPDX-License-Identifier: Apache-2.0
// The users whom this node holds in Redis, so that they can be put back when Redis loses them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "model/errc.hpp"
#include "stores/presence_store.hpp"
#include "stores/redis_context.hpp"
#include "stores/redis_lease.hpp"
#include "util/hash.hpp"
#include "util/timer_queue.hpp"

namespace roomcast {

/// Writes the transitions of this node, and remembers what is wanted from the moment of the call:
/// what is not written then is written later, by whoever tries again or by restore(). Keeps the
/// channels from expiring. Bus thread only.
class RedisMembers {
public:
    RedisMembers(RedisPresenceContext& context, RedisLease& lease);
    ~RedisMembers();
    RedisMembers(const RedisMembers&) = delete;
    RedisMembers& operator=(const RedisMembers&) = delete;

    // While the lease is held. `done` is called once.
    void put(RedisUser user, UpsertKind kind, PresenceCallback done);
    void leave(const ChannelName& channel, const std::string& user, PresenceCallback done);

    /// From here on `user` is not put back, although the leave cannot be written yet.
    void forget(const ChannelName& channel, const std::string& user);

    /// The lease is held (again). Under a new id all users are put back; else what was written
    /// last, which a fail-over may have lost.
    void on_lease_held(bool is_new_id);

    /// Puts back users who are missing in Redis. Those who are not missing there are not announced.
    void restore(const ChannelName& channel, const std::string& user);
    void restore_channel(const ChannelName& channel);

    /// The users held on `channel` who are not in `listed` although they were written before
    /// `time`.
    [[nodiscard]] std::vector<std::string> missing(
        const ChannelName& channel,
        const std::unordered_set<std::string, SeededStringHash, std::equal_to<>>& listed,
        SteadyTime time) const;

    [[nodiscard]] bool holds(const ChannelName& channel, const std::string& user) const;
    /// Whether `user` is held, or has left lately.
    [[nodiscard]] bool knows(const ChannelName& channel, const std::string& user) const;
    [[nodiscard]] bool has_channel(const ChannelName& channel) const;

    /// Whether Redis may still list somebody under this node.
    [[nodiscard]] bool holds_any() const { return user_count_ > 0 || unconfirmed_leaves() > 0; }

    [[nodiscard]] std::size_t in_flight() const { return in_flight_; }

private:
    enum class Registration : std::uint8_t { none, under_way, done };

    struct Held {
        MetaText meta;
        SteadyTime written_at{};
        bool is_restoring = false;  // waits in the queue or is under way
    };

    /// Somebody who has left: remembered for a while, in case that Redis forgets the leave.
    struct Gone {
        SteadyTime left_at{};
        bool is_confirmed = false;
    };

    struct Channel {
        std::unordered_map<std::string, Held, SeededStringHash, std::equal_to<>> users;
        std::unordered_map<std::string, Gone, SeededStringHash, std::equal_to<>> gone;
        /// Whether Redis knows that this node may hold users here.
        Registration registration = Registration::none;
        std::vector<std::function<void(bool)>> waiting;  // for the registration
        std::size_t in_flight = 0;
        std::uint64_t sequence = 0;  // when it was touched last
        TimerId touch_timer;
    };

    Channel& open(const ChannelName& name);
    Channel* find(const ChannelName& name);
    Held& hold(RedisUser& user);
    void when_registered(const ChannelName& channel, std::function<void(bool)> work);
    void on_registered(const ChannelName& name, std::uint64_t generation, bool is_done);
    void write(RedisUser user, UpsertKind kind, std::function<void(bool)> done);
    void write_leave(const ChannelName& channel,
                     const std::string& user,
                     std::function<void(bool)> done);
    void on_written(const ChannelName& channel);
    void arm_touch(const ChannelName& name, Channel& channel);
    void touch(const ChannelName& name);
    void on_touched(const ChannelName& name, const redis::Reply& reply);
    void sweep(const ChannelName& name, Channel& channel);
    void close(const ChannelName& name);
    void enqueue(const ChannelName& channel, const std::string& user, Held& held);
    void restore_next();
    void on_restored(const RedisUser& user, std::uint64_t generation, bool is_done);
    [[nodiscard]] std::size_t unconfirmed_leaves() const;

    RedisPresenceContext& context_;
    RedisLease& lease_;
    std::unordered_map<ChannelName, Channel, ChannelNameHash> channels_;
    std::size_t user_count_ = 0;
    std::size_t in_flight_ = 0;
    std::deque<std::pair<ChannelName, std::string>> restores_;
    std::size_t restores_in_flight_ = 0;
    TimerId restore_timer_;
};

}  // namespace roomcast

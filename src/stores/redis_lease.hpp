// SPDX-License-Identifier: Apache-2.0
// This node's sign of life: a lease in Redis that one call per beat renews, whatever the number of
// users.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "stores/redis_context.hpp"
#include "util/timer_queue.hpp"

namespace roomcast {

/// Told by the lease.
class RedisLeaseSink {
public:
    virtual ~RedisLeaseSink() = default;
    /// Presence can be written from now on. `is_new_id`: under an id that owns nothing yet.
    virtual void on_lease_held(bool is_new_id) = 0;
    /// Presence must not be written any more.
    virtual void on_lease_lost() = 0;
    /// Redis answers beats with an error (OOM, NOPERM …): the lease may still be held, but not for
    /// long, and writes will fare no better.
    virtual void on_beats_refused(std::string_view error) = 0;
    /// It takes them again, and the lease was not lost meanwhile.
    virtual void on_beats_taken() = 0;
    /// Nodes that somebody has to reap.
    virtual void on_nodes_due(std::vector<std::string> nodes) = 0;
};

/// Bus thread only. The id names this incarnation of the node: drawn at the start, and again when
/// the others have declared it dead, since those are then reaping it.
class RedisLease {
public:
    RedisLease(RedisPresenceContext& context, RedisLeaseSink& sink);
    ~RedisLease();
    RedisLease(const RedisLease&) = delete;
    RedisLease& operator=(const RedisLease&) = delete;

    void on_connected();
    void on_disconnected();

    /// Whether the last acknowledged beat is young enough to write presence: others wait longer
    /// than that before they reap.
    [[nodiscard]] bool is_held() const;

    [[nodiscard]] const std::string& node() const { return node_; }

    /// Counts the ids so far.
    [[nodiscard]] std::uint64_t generation() const { return generation_; }

    /// The node stops: gives its users to the others, who let them leave after the grace, or says
    /// that it holds nobody. No beat follows. `done` also where Redis is away, and the lease then
    /// ends by itself.
    void retire(bool has_users, std::function<void()> done);

private:
    void beat();
    void on_beat(SteadyTime sent_at, const redis::Reply& reply);
    void on_acknowledged(SteadyTime sent_at);
    void draw_id();
    void beat_at(SteadyTime due);
    void check();

    RedisPresenceContext& context_;
    RedisLeaseSink& sink_;
    std::string node_;
    std::uint64_t generation_ = 0;
    bool is_connected_ = false;
    bool is_beating_ = false;
    bool is_retired_ = false;
    bool is_known_ = false;  // a beat of this id was acknowledged
    bool is_held_ = false;   // what the sink was told
    bool is_refused_ = false;
    SteadyTime held_from_{};
    TimerId beat_timer_;
    TimerId check_timer_;
};

}  // namespace roomcast

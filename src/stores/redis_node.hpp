// SPDX-License-Identifier: Apache-2.0
// This node's part in the presence of a cluster that meets on Redis: what runs on the bus thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stores/presence_store.hpp"
#include "stores/redis_audit.hpp"
#include "stores/redis_context.hpp"
#include "stores/redis_homes.hpp"
#include "stores/redis_lease.hpp"
#include "stores/redis_members.hpp"
#include "stores/redis_reaper.hpp"
#include "stores/redis_snapshots.hpp"
#include "stores/redis_watches.hpp"

namespace roomcast {

/// What the store and its node share. Outlives the node.
struct RedisPresenceShared {
    explicit RedisPresenceShared(RedisPresenceOptions wanted) : options(std::move(wanted)) {}

    const RedisPresenceOptions options;
    RedisPresenceCounters counters;
    /// Connected, and the lease is held.
    std::atomic<bool> is_connected{false};
    /// Operations of the homes that are not answered yet.
    std::atomic<std::size_t> pending{0};
};

/// Wires the parts to one client. Its destruction is a crash as far as the others can see: stop()
/// comes first where the node stops in good order. Bus thread only, but for construction.
class RedisPresenceNode final : public redis::ClientSink, public RedisLeaseSink {
public:
    RedisPresenceNode(RedisPresenceShared& shared,
                      net::Loop& loop,
                      std::unique_ptr<redis::Client> client,
                      PresenceSink& sink,
                      Executor& executor);
    ~RedisPresenceNode() override;
    RedisPresenceNode(const RedisPresenceNode&) = delete;
    RedisPresenceNode& operator=(const RedisPresenceNode&) = delete;

    void start();
    /// Finishes what is under way and hands the users over. `done` is called once, within about two
    /// seconds, and may be called from within.
    void stop(std::function<void()> done);

    // Callbacks are called on the home of the channel. What cannot be written or read right now
    // waits for at most two seconds.
    void put(RedisUser user, UpsertKind kind, PresenceCallback done);
    void leave(const ChannelName& channel, const std::string& user, PresenceCallback done);
    void snapshot(const ChannelName& channel, SnapshotCallback done);
    void watch(const ChannelName& channel);
    void unwatch(const ChannelName& channel);

    void on_state(bool is_connected, std::string_view detail) override;
    void on_subscribed(const std::string& channel, bool may_have_missed) override;
    void on_subscribe_refused(const std::string& channel, std::string_view error) override;
    void on_message(std::string_view channel, std::string_view payload) override;
    void on_batch_end() override;

    void on_lease_held(bool is_new_id) override;
    void on_lease_lost() override;
    void on_beats_refused(std::string_view error) override;
    void on_beats_taken() override;
    void on_nodes_due(std::vector<std::string> nodes) override;

private:
    struct Waiting {
        SteadyTime deadline;
        std::function<void(bool is_writable)> work;
    };

    void when_writable(std::function<void(bool is_writable)> work);
    void on_waiting_due();
    [[nodiscard]] PresenceCallback answer_to(const ChannelName& channel, PresenceCallback done);
    [[nodiscard]] SnapshotCallback answer_to(const ChannelName& channel, SnapshotCallback done);
    void finish_writing(SteadyTime deadline);
    void end_stop();

    RedisPresenceShared& shared_;
    net::Loop& loop_;
    PresenceSink& sink_;
    std::unique_ptr<redis::Client> client_;
    RedisPresenceContext context_;
    RedisHomes homes_;
    RedisLease lease_;
    RedisReaper reaper_;
    RedisMembers members_;
    RedisSnapshots snapshots_;
    RedisWatches watches_;
    RedisAuditor auditor_;
    std::deque<Waiting> waiting_;  // by deadline, as all wait equally long
    TimerId waiting_timer_;
    TimerId stop_timer_;
    std::function<void()> on_stopped_;
    std::string detail_;
    bool is_stopping_ = false;
    bool is_over_ = false;
};

}  // namespace roomcast

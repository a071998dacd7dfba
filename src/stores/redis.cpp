// SPDX-License-Identifier: Apache-2.0
#include "stores/redis.hpp"

#include <chrono>
#include <future>
#include <utility>

#include "stores/redis_node.hpp"

namespace roomcast {

namespace {

/// The home shards' side: posts each call to the bus thread.
class RedisPresenceStore final : public PresenceStore {
public:
    RedisPresenceStore(RedisPresenceOptions options,
                       net::Loop& loop,
                       std::unique_ptr<redis::Client> client)
        : shared_(std::move(options)),
          loop_(loop),
          client_(std::move(client)),
          client_view_(*client_) {}

    ~RedisPresenceStore() override {
        end_node();
        destroy(client_);
    }

    [[nodiscard]] std::string_view name() const override { return "redis"; }

    [[nodiscard]] bool is_connected() const override { return shared_.is_connected; }

    [[nodiscard]] bool outlives_node() const override { return true; }

    void start(PresenceSink& sink, Executor& executor) override {
        node_ =
            std::make_shared<RedisPresenceNode>(shared_, loop_, std::move(client_), sink, executor);
        post([](RedisPresenceNode& node) { node.start(); });
    }

    void stop() override;

    void watch(const ChannelName& channel) override {
        post([channel](RedisPresenceNode& node) { node.watch(channel); });
    }

    void unwatch(const ChannelName& channel) override {
        post([channel](RedisPresenceNode& node) { node.unwatch(channel); });
    }

    void join(const ChannelName& channel,
              const std::string& user,
              MetaText meta,
              PresenceCallback done) override {
        put({channel, user, std::move(meta)}, UpsertKind::join, std::move(done));
    }

    void update(const ChannelName& channel,
                const std::string& user,
                MetaText meta,
                PresenceCallback done) override {
        put({channel, user, std::move(meta)}, UpsertKind::update, std::move(done));
    }

    void leave(const ChannelName& channel,
               const std::string& user,
               PresenceCallback done) override {
        if (!admit()) return done(Errc::unavailable);
        post([channel, user, done = std::move(done)](RedisPresenceNode& node) {
            node.leave(channel, user, done);
        });
    }

    void snapshot(const ChannelName& channel, SnapshotCallback done) override {
        if (!admit()) return done(Errc::unavailable);
        post([channel, done = std::move(done)](RedisPresenceNode& node) {
            node.snapshot(channel, done);
        });
    }

    [[nodiscard]] std::vector<Figure> figures() const override;

private:
    void put(RedisUser user, UpsertKind kind, PresenceCallback done) {
        if (!admit()) return done(Errc::unavailable);
        post([user = std::move(user), kind, done = std::move(done)](RedisPresenceNode& node) {
            node.put(user, kind, done);
        });
    }

    /// Whether one more operation may wait for its answer. The node counts it down.
    [[nodiscard]] bool admit() {
        if (node_ && shared_.pending.fetch_add(1, std::memory_order_relaxed) <
                         shared_.options.pending_operations) {
            return true;
        }
        if (node_) shared_.pending.fetch_sub(1, std::memory_order_relaxed);
        return false;
    }

    template <class Work>
    void post(Work work) {
        if (!node_) return;
        // Weak: whatever waits when the node ends is dropped.
        loop_.post([weak = std::weak_ptr(node_), work = std::move(work)] {
            if (const auto node = weak.lock()) work(*node);
        });
    }

    /// Destroys what belongs to the bus thread there, and waits for it.
    template <class Pointer>
    void destroy(Pointer& pointer) {
        if (!pointer) return;
        const auto is_gone = std::make_shared<std::promise<void>>();
        loop_.post([&pointer, is_gone] {
            pointer.reset();
            is_gone->set_value();
        });
        is_gone->get_future().wait();
    }

    void end_node() { destroy(node_); }

    RedisPresenceShared shared_;
    net::Loop& loop_;
    std::unique_ptr<redis::Client> client_;  // until the start
    const redis::Client& client_view_;
    std::shared_ptr<RedisPresenceNode> node_;
};

void RedisPresenceStore::stop() {
    if (!node_) return;
    const auto is_stopped = std::make_shared<std::promise<void>>();
    post([is_stopped](RedisPresenceNode& node) {
        node.stop([is_stopped] { is_stopped->set_value(); });
    });
    is_stopped->get_future().wait();
    // Not from within the stop: it may run in a callback of the client that goes with the node.
    end_node();
}

std::vector<Figure> RedisPresenceStore::figures() const {
    const RedisPresenceCounters& counters = shared_.counters;
    const auto gauge = [](std::string_view name, std::string_view help, double value) {
        return Figure{.name = name, .help = help, .is_counter = false, .value = value};
    };
    const auto total = [](std::string_view name, std::string_view help, const Counter& counter) {
        return Figure{.name = name, .help = help, .value = static_cast<double>(counter.value())};
    };
    const auto number = [](const Counter& counter) { return static_cast<double>(counter.value()); };
    const auto repair = [&](std::string_view cause, const Counter& counter) {
        return Figure{.name = "roomcast_presence_repairs_total",
                      .help = "What did not agree between this node and Redis and was put right",
                      .value = number(counter),
                      .label = "cause",
                      .label_value = cause};
    };
    using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::steady_clock;
    const auto now_ms = duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
    const auto last_beat_ms = counters.last_beat_ms.load(std::memory_order_relaxed);
    const double beat_age =
        last_beat_ms == 0 ? -1 : static_cast<double>(now_ms - last_beat_ms) / 1'000;
    std::vector<Figure> all = {
        gauge("roomcast_presence_owned_users",
              "Users that this node holds in Redis",
              number(counters.users)),
        gauge("roomcast_presence_owned_channels",
              "Channels with users that this node holds, or held lately",
              number(counters.channels)),
        gauge("roomcast_presence_watched_channels",
              "Channels whose presence events this node receives",
              number(counters.watched)),
        gauge("roomcast_presence_beat_age_seconds",
              "Since the last acknowledged beat; -1: none yet",
              beat_age),
        gauge("roomcast_presence_reap_delay_seconds",
              "How long the last reaped node was overdue",
              number(counters.reap_delay_ms) / 1'000),
        gauge("roomcast_presence_pending_operations",
              "Operations that wait for Redis",
              static_cast<double>(shared_.pending.load(std::memory_order_relaxed))),
    };
    const Figure totals[] = {
        total("roomcast_presence_fenced_total",
              "Times this node was declared dead while it lived",
              counters.fenced),
        total("roomcast_presence_reaped_nodes_total",
              "Dead nodes whose users this node has let leave",
              counters.reaped_nodes),
        total("roomcast_presence_reaped_users_total",
              "Users of dead nodes who left because of this node",
              counters.reaped_users),
        total("roomcast_presence_restored_total",
              "Users written again because Redis might have lost them",
              counters.restored),
        repair("missing", counters.repaired_missing),
        repair("not_held", counters.repaired_not_held),
        repair("unknown_owner", counters.repaired_unknown_owner),
        repair("foreign", counters.repaired_foreign),
        total("roomcast_presence_gaps_total",
              "Times events were found missing by their sequence numbers",
              counters.gaps),
        total("roomcast_presence_data_losses_total",
              "Times the sequence numbers of a channel had started over",
              counters.data_losses),
        total("roomcast_presence_events_dropped_total",
              "Events dropped because a shard was behind; it takes a new snapshot",
              counters.events_dropped),
        total("roomcast_presence_unreadable_total",
              "Values and messages of others that are none",
              counters.unreadable),
        total("roomcast_presence_snapshots_total", "Snapshots read", counters.snapshots),
    };
    all.insert(all.end(), std::begin(totals), std::end(totals));
    all.push_back({.name = "roomcast_presence_snapshot_seconds_total",
                   .help = "Time that snapshots have taken",
                   .value = number(counters.snapshot_us) / 1'000'000});
    if (node_) {
        const redis::ClientFigures client = client_view_.figures();
        all.push_back({.name = "roomcast_presence_connections_lost_total",
                       .help = "Connections to the presence Redis that were lost",
                       .value = static_cast<double>(client.connections_lost)});
        all.push_back({.name = "roomcast_presence_probes_missed_total",
                       .help = "Connections closed because a probe did not come back",
                       .value = static_cast<double>(client.probes_missed)});
        all.push_back({.name = "roomcast_presence_round_trip_seconds",
                       .help = "Of the last answer of the presence Redis",
                       .is_counter = false,
                       .value = static_cast<double>(client.last_round_trip_us) / 1'000'000});
    }
    return all;
}

}  // namespace

std::unique_ptr<PresenceStore> make_redis_presence_store(RedisPresenceOptions options,
                                                         net::Loop& loop,
                                                         std::unique_ptr<redis::Client> client) {
    return std::make_unique<RedisPresenceStore>(std::move(options), loop, std::move(client));
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "stores/redis.hpp"

#include <future>
#include <utility>

#include "stores/redis_figures.hpp"
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

    [[nodiscard]] std::vector<Figure> figures() const override {
        auto all = redis_presence_figures(shared_.counters);
        if (node_) append_redis_client_figures(all, client_view_.figures());
        return all;
    }

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
        if (pointer) net::run_and_wait(loop_, [&pointer] { pointer.reset(); });
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

}  // namespace

std::unique_ptr<PresenceStore> make_redis_presence_store(RedisPresenceOptions options,
                                                         net::Loop& loop,
                                                         std::unique_ptr<redis::Client> client) {
    return std::make_unique<RedisPresenceStore>(std::move(options), loop, std::move(client));
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The broker on Redis Pub/Sub: one server, a master found through Sentinel, or a Cluster.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "brokers/broker.hpp"
#include "brokers/home_side.hpp"
#include "net/event_loop.hpp"
#include "redis/client.hpp"
#include "util/hash.hpp"

namespace roomcast {

struct RedisBrokerOptions {
    /// `client.scripts` and `client.has_sharded_channels` are for the broker to fill.
    redis::ClientOptions client;
    std::chrono::milliseconds idempotency_ttl{300'000};
    HomeSideLimits limits;
};

/// Publishes on `broadcast.<channel>` and subscribes to the channels in which this node has an
/// interest, through one connection (in a Cluster: one for each server). Redis puts the
/// publications of a channel into one order, and an echo comes back on the way of all others.
/// Idempotency keys hold for all nodes: a script checks the key and publishes in one step.
class RedisBroker final : public Broker, private redis::ClientSink {
public:
    /// `loop` outlives the broker.
    RedisBroker(RedisBrokerOptions options, net::EventLoop& loop);
    ~RedisBroker() override;

    [[nodiscard]] std::string_view name() const override { return "redis"; }

    [[nodiscard]] BrokerOrder order() const override { return BrokerOrder::per_channel; }

    [[nodiscard]] bool keeps_keys() const override { return true; }

    [[nodiscard]] bool is_connected() const override { return is_connected_; }

    void start(BrokerSink& sink, Executor& executor) override;
    void stop() override;
    void subscribe(const ChannelName& channel, SubscribeCallback confirmed) override;
    void unsubscribe(const ChannelName& channel) override;
    void publish(BusMessage message, PublishCallback done) override;
    void send_control(std::string message) override;
    [[nodiscard]] std::vector<Figure> figures() const override;

private:
    /// A channel in which this node has an interest. On the loop's thread.
    struct Interest {
        ChannelName name;
        std::uint64_t awaited_attempt = 0;  // of HomeSide; 0: none waits
        bool is_live = false;               // confirmed since the last subscribe
    };

    struct Outgoing;

    void on_state(bool is_connected, std::string_view detail) override;
    void on_subscribed(const std::string& channel, bool may_have_missed) override;
    void on_subscribe_refused(const std::string& channel, std::string_view error) override;
    void on_message(std::string_view channel, std::string_view payload) override;
    void on_batch_end() override;

    void add_interest(const ChannelName& channel, std::uint64_t attempt);
    void send(const Outgoing& outgoing);
    void send_once(const Outgoing& outgoing);
    void answer(PublishTicket ticket, Result<std::optional<PublishReceipt>> result);
    void note_refusal(const redis::Error& error);
    void hand_over_soon();

    net::EventLoop& loop_;
    const std::chrono::milliseconds idempotency_ttl_;
    const HomeSideLimits limits_;
    const redis::Script publish_once_;
    std::unique_ptr<redis::Client> client_;
    BrokerSink* sink_ = nullptr;
    std::unique_ptr<HomeSide> homes_;
    /// By topic, whose text clients choose: looked up by view, and hashed with a seed.
    std::unordered_map<std::string, Interest, SeededStringHash, std::equal_to<>> interests_;
    bool is_handing_over_soon_ = false;
    std::atomic<bool> is_connected_{false};
    std::atomic<std::uint64_t> gaps_{0};
    std::atomic<std::uint64_t> subscribes_refused_{0};
};

}  // namespace roomcast

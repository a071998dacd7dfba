// SPDX-License-Identifier: Apache-2.0
// The broker on RabbitMQ.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "brokers/broker.hpp"
#include "brokers/broker_state.hpp"
#include "brokers/home_side.hpp"
#include "brokers/lanes.hpp"
#include "brokers/pending_publishes.hpp"
#include "brokers/rabbitmq_events.hpp"
#include "brokers/rabbitmq_options.hpp"
#include "brokers/rabbitmq_probe.hpp"
#include "net/event_loop.hpp"
#include "util/hash.hpp"

namespace roomcast {

namespace rabbitmq {
class Consumer;
class Publisher;
}  // namespace rabbitmq

/// Publishes to an exchange under the key of the channel's lane, and has a queue of its own bound
/// to the lanes in which this node has an interest; the channel stands in a header, by which
/// messages of other channels are passed by. One connection publishes, another one listens, each on
/// a thread of its own; everything else happens on the bus thread. An echo comes back on the way of
/// all others. Several nodes' publications reach nodes in orders of their own.
class RabbitmqBroker final : public Broker {
public:
    /// `loop` outlives the broker.
    RabbitmqBroker(const RabbitmqBrokerOptions& options, net::EventLoop& loop);
    ~RabbitmqBroker() override;

    [[nodiscard]] std::string_view name() const override { return "rabbitmq"; }

    [[nodiscard]] BrokerOrder order() const override { return BrokerOrder::per_node; }

    [[nodiscard]] bool is_connected() const override { return state_.is_connected(); }

    void start(BrokerSink& sink, Executor& executor) override;
    void stop() override;
    void subscribe(const ChannelName& channel, SubscribeCallback confirmed) override;
    void unsubscribe(const ChannelName& channel) override;
    void publish(BusMessage message, PublishCallback done) override;
    void send_control(std::string message) override;
    [[nodiscard]] std::vector<Figure> figures() const override;

private:
    RabbitmqBroker(const RabbitmqBrokerOptions& options,
                   net::EventLoop& loop,
                   const std::string& probe_key);

    /// A channel in which this node has an interest.
    struct Interest {
        ChannelName name;
        std::uint64_t awaited_attempt = 0;  // of HomeSide; 0: none waits
        bool was_live = false;              // its lane has been bound: losses are gaps
    };

    enum class Binding : std::uint8_t { none, asked_for, bound };

    struct Lane {
        /// By name, which clients choose: looked up by view, and hashed with a seed.
        std::unordered_map<std::string, Interest, SeededStringHash, std::equal_to<>> interests;
        Binding binding = Binding::none;
        std::uint64_t request = 0;             // of the last binding
        std::vector<rabbitmq::Outgoing> held;  // until it is bound: their echo must come back
        SteadyTime unused_since{};
    };

    /// After a loss an attempt is made at once, and what is published waits for it.
    enum class LinkState : std::uint8_t { connecting, up, down };

    // All of this on the bus thread:

    void add_interest(const ChannelName& channel, std::uint64_t attempt);
    void remove_interest(const ChannelName& channel);
    void bind_if_wanted(std::size_t lane);
    void unbind_unused();
    void send(PublishTicket ticket, rabbitmq::Outgoing outgoing);
    [[nodiscard]] Result<void> admit(const rabbitmq::Outgoing& outgoing);
    void release_held(Lane& lane);
    void fail_held();
    void answer(PublishTicket ticket, Result<std::optional<PublishReceipt>> result);
    void expire();
    void arm_expiry();
    void hand_over_soon();
    void update_state();

    void arm_probe();
    void probe();

    void take_mail();
    void on(const rabbitmq::Answered& answered);
    void on(const rabbitmq::SizeLimit& limit);
    void on(const rabbitmq::Blocked& blocked);
    void on(const rabbitmq::Arrived& arrived);
    void on(const rabbitmq::LaneBound& bound);
    void on(const rabbitmq::LinkUp& up);
    void on(const rabbitmq::LinkDown& down);

    net::EventLoop& loop_;
    const RabbitmqBrokerOptions options_;
    BrokerSink* sink_ = nullptr;
    std::unique_ptr<HomeSide> homes_;
    std::array<Lane, kLanes> lanes_;
    std::uint64_t requests_ = 0;
    PendingPublishes pending_;
    LinkState publisher_state_ = LinkState::connecting;
    LinkState consumer_state_ = LinkState::connecting;
    std::string blocked_reason_;  // empty: it takes publications
    std::size_t size_limit_;
    TimerId expiry_timer_;
    TimerId unbind_timer_;
    TimerId probe_timer_;
    rabbitmq::Probe probe_;
    bool is_handing_over_soon_ = false;
    bool is_stopped_ = false;
    std::vector<rabbitmq::Event> taken_;
    BrokerState state_;
    std::atomic<std::uint64_t> gaps_{0};
    std::atomic<std::uint64_t> bad_messages_{0};
    std::atomic<std::uint64_t> connections_lost_{0};
    std::atomic<std::uint64_t> calls_failed_{0};

    rabbitmq::Mail mail_;
    const std::unique_ptr<rabbitmq::Publisher> publisher_;
    const std::unique_ptr<rabbitmq::Consumer> consumer_;
};

}  // namespace roomcast

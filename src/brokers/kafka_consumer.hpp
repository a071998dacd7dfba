// SPDX-License-Identifier: Apache-2.0
// The consuming half of the broker on Kafka; on the broker's thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "brokers/home_side.hpp"
#include "brokers/kafka_client.hpp"
#include "brokers/kafka_mail.hpp"
#include "brokers/kafka_options.hpp"
#include "brokers/kafka_progress.hpp"
#include "brokers/kafka_publisher.hpp"
#include "util/clock.hpp"
#include "util/hash.hpp"

namespace roomcast::kafka {

/// Told what is for others to do.
class ConsumerEvents {
public:
    virtual ~ConsumerEvents() = default;
    virtual void on_control(std::string_view body) = 0;
    /// What was to be read next of a partition is gone: its end is wanted.
    virtual void on_lost(std::int32_t partition) = 0;
};

/// Reads all partitions and hands over what is of interest here. Subscribers are confirmed as soon
/// as it is known from where on each partition is read: what is published from then on arrives,
/// though perhaps after an outage.
class Consumer final : private ClientEvents {
public:
    Consumer(const KafkaBrokerOptions& options,
             const Waker& waker,
             ConsumerEvents& events,
             OnTrouble on_trouble);

    [[nodiscard]] ClientEvents& client_events() { return *this; }

    /// Before all else but use().
    void deliver_to(HomeSide& homes) { homes_ = &homes; }

    void use(Client consumer);
    void subscribe(const Subscribe& subscribe);
    void unsubscribe(const Unsubscribe& unsubscribe);
    /// Reads partitions from there on.
    void begin(const std::vector<Position>& positions);
    /// Confirms those who wait for the first begin().
    void confirm_waiting();
    void note_ends(const std::vector<Position>& ends);
    /// Takes what has arrived, up to a bound. True: there may be more.
    [[nodiscard]] bool serve();
    /// Nothing is called afterwards.
    void close();

    /// All partitions are read.
    [[nodiscard]] bool is_live() const { return is_live_; }

    /// serve() took nothing more because a home has no room: nobody wakes the thread when it has.
    [[nodiscard]] bool waits_for_home() const { return waits_for_home_; }

    /// A partition of which nothing arrives although it has messages.
    [[nodiscard]] std::optional<std::int32_t> stuck() const { return progress_.stuck(); }

    /// Why the cluster lets nothing be read; empty: it has not said so since the last message.
    [[nodiscard]] const std::string& refusal() const { return refusal_; }

    // From any thread:

    [[nodiscard]] std::uint64_t lag() const { return lag_; }

    [[nodiscard]] std::uint64_t gaps() const { return gaps_; }

    [[nodiscard]] std::uint64_t bad_messages() const { return bad_messages_; }

    [[nodiscard]] std::uint64_t calls_failed() const { return calls_failed_; }

private:
    /// A channel in which this node has an interest.
    struct Interest {
        ChannelName name;
        std::uint64_t awaited_attempt = 0;  // of HomeSide; 0: none waits
    };

    void on_trouble(rd_kafka_resp_err_t error, std::string_view text) override;

    [[nodiscard]] bool must_wait_for_home();
    void on_message(const rd_kafka_message_t& message);
    void on_error(const rd_kafka_message_t& message);
    void on_refusal(std::string_view text);
    void lose(std::int32_t partition);
    void tell_gaps();

    const std::string topic_;
    const Waker& waker_;
    ConsumerEvents& events_;
    const OnTrouble tell_trouble_;
    HomeSide* homes_ = nullptr;
    Client client_;
    WakingQueue queue_;
    /// By name, which clients choose: looked up by view, and hashed with a seed.
    std::unordered_map<std::string, Interest, SeededStringHash, std::equal_to<>> interests_;
    Progress progress_;
    const std::chrono::milliseconds home_patience_;
    std::optional<SteadyTime> behind_since_;  // until all has been read
    bool waits_for_home_ = false;
    bool is_live_ = false;
    std::string refusal_;
    std::atomic<std::uint64_t> lag_{0};
    std::atomic<std::uint64_t> gaps_{0};
    std::atomic<std::uint64_t> bad_messages_{0};
    std::atomic<std::uint64_t> calls_failed_{0};
};

}  // namespace roomcast::kafka

// SPDX-License-Identifier: Apache-2.0
// The producing half of the broker on Kafka; on the broker's thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "brokers/home_side.hpp"
#include "brokers/kafka_client.hpp"
#include "brokers/kafka_mail.hpp"
#include "brokers/kafka_options.hpp"
#include "brokers/pending_publishes.hpp"
#include "util/clock.hpp"

namespace roomcast::kafka {

/// The key of control messages, which no channel can have.
inline constexpr std::string_view kControlKey{"\0control", 8};

/// Gets what a client says of its connections.
using OnTrouble = std::function<void(rd_kafka_resp_err_t error, std::string_view text)>;

/// Gives publications to a producer and answers each once: when the cluster has it on all servers
/// that must have it, or when its time is over.
class Publisher final : public ProducerEvents {
public:
    Publisher(const KafkaBrokerOptions& options, const Waker& waker, OnTrouble on_trouble);

    /// Before all else but use().
    void answer_to(HomeSide& homes) { homes_ = &homes; }

    /// From now on this producer is used; another one ends when all it had is answered.
    void use(Client producer);

    /// Why the producer is of no use any more; empty: it has not failed.
    [[nodiscard]] const std::string& failure() const { return failure_; }

    void publish(const Publish& publish);
    void send(const Control& control);
    /// Refuses at once.
    void refuse(PublishTicket ticket);
    /// Takes what the producers have to say.
    void serve();
    void expire(SteadyTime now);

    [[nodiscard]] std::optional<SteadyTime> next_deadline() { return pending_.next_deadline(); }

    /// Gives what was published last a moment to arrive. Nothing is called afterwards.
    void close(bool is_connected);

    [[nodiscard]] std::uint64_t calls_failed() const { return calls_failed_; }

private:
    struct Producer {
        Client client;
        WakingQueue queue;
    };

    void on_delivered(std::uint64_t id, rd_kafka_resp_err_t error) override;
    void on_trouble(rd_kafka_resp_err_t error, std::string_view text) override;

    [[nodiscard]] bool is_usable() const { return current_.client && failure_.empty(); }

    [[nodiscard]] rd_kafka_resp_err_t produce(std::string_view key,
                                              std::string_view body,
                                              std::uint64_t id) const;
    void answer(PublishTicket ticket, rd_kafka_resp_err_t error);

    const std::string topic_;
    const std::size_t most_bytes_;
    const Waker& waker_;
    const OnTrouble tell_trouble_;
    HomeSide* homes_ = nullptr;
    Producer current_;
    Producer retired_;
    PendingPublishes pending_;
    std::string failure_;
    std::atomic<std::uint64_t> calls_failed_{0};
};

}  // namespace roomcast::kafka

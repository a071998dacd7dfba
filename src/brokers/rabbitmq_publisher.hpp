// SPDX-License-Identifier: Apache-2.0
// The connection to RabbitMQ that publishes.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "brokers/lanes.hpp"
#include "brokers/rabbitmq_confirms.hpp"
#include "brokers/rabbitmq_events.hpp"
#include "brokers/rabbitmq_options.hpp"
#include "brokers/rabbitmq_worker.hpp"
#include "util/mailbox.hpp"

namespace roomcast::rabbitmq {

/// Sends publications in the order in which they come, with a window of unconfirmed ones, and
/// answers each once. What waits is sent over the next connection too, until one cannot be made.
class Publisher final : private Role {
public:
    Publisher(const RabbitmqBrokerOptions& options, std::string probe_key, Mail& mail);

    void start() { worker_.start(); }

    void hurry() { worker_.hurry(); }

    void ask_to_stop() { worker_.ask_to_stop(); }

    void join() { worker_.join(); }

    /// On the bus thread.
    void put(Outgoing outgoing);

private:
    std::optional<Failure> set_up(Connection& connection) override;
    void on_ready() override;
    std::optional<Failure> turn(Connection& connection) override;
    void on_failure(bool was_ready, Failure failure) override;

    [[nodiscard]] std::optional<Failure> probe(Connection& connection);
    [[nodiscard]] std::optional<Failure> read(Connection& connection);
    void on_method(const amqp_method_t& method);
    void on_confirm(std::uint64_t tag, bool is_multiple, Verdict verdict);
    [[nodiscard]] std::optional<Failure> check_overdue(const Connection& connection) const;
    void take_new();
    /// `must_wait` is set when the socket takes no more.
    [[nodiscard]] std::optional<Failure> send_waiting(Connection& connection, bool& must_wait);
    [[nodiscard]] std::optional<Failure> send(Connection& connection,
                                              std::string_view routing_key,
                                              const Outgoing& outgoing);
    void answer(std::uint64_t id, Verdict verdict);
    void answer_waiting(Verdict verdict);

    const Topology topology_;
    const std::chrono::milliseconds publish_timeout_;
    const std::size_t window_;
    std::array<std::string, kProbeLane + 1> routing_keys_;  // of the lanes
    Mail& mail_;
    Waker waker_;
    Mailbox<Outgoing> incoming_;

    // on the connection's thread
    std::vector<Outgoing> taken_;
    std::deque<Outgoing> waiting_;
    Confirms confirms_;
    bool is_blocked_ = false;
    std::vector<Event> events_;

    Worker worker_;  // last: its thread uses all of the above
};

/// Where control messages go.
[[nodiscard]] std::string control_key(const Topology& topology);
/// Where a node's own probes go.
[[nodiscard]] std::string probe_key(const Topology& topology, std::string_view node);
[[nodiscard]] std::string lane_key(const Topology& topology, std::size_t lane);

/// Makes the exchange unless it is there.
[[nodiscard]] std::optional<Failure> declare_exchange(Connection& connection,
                                                      const Topology& topology);

}  // namespace roomcast::rabbitmq

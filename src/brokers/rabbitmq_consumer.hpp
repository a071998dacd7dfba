// SPDX-License-Identifier: Apache-2.0
// The connection to RabbitMQ that listens: one queue of this node's own.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "brokers/rabbitmq_events.hpp"
#include "brokers/rabbitmq_options.hpp"
#include "brokers/rabbitmq_worker.hpp"
#include "util/clock.hpp"
#include "util/mailbox.hpp"

namespace roomcast::rabbitmq {

/// Each connection begins with a new queue that hears control messages alone: the lanes are bound
/// anew once it is up.
class Consumer final : private Role {
public:
    Consumer(const RabbitmqBrokerOptions& options, std::string probe_key, Mail& mail);

    void start() { worker_.start(); }

    void hurry() { worker_.hurry(); }

    void ask_to_stop() { worker_.ask_to_stop(); }

    void join() { worker_.join(); }

    // On the bus thread, while it is up:

    /// LaneBound, with `request`, follows.
    void bind(std::size_t lane, std::uint64_t request);
    void unbind(std::size_t lane);
    /// What is published does not arrive: it connects anew.
    void give_up();

    /// The mail has room again.
    void wake() const { waker_.wake(); }

private:
    struct Command {
        bool is_bind = false;
        std::size_t lane = 0;
        std::uint64_t request = 0;
        SteadyTime sent_at{};
    };

    std::optional<Failure> set_up(Connection& connection) override;
    void on_ready() override;
    std::optional<Failure> turn(Connection& connection) override;
    void on_failure(bool was_ready, Failure failure) override;

    [[nodiscard]] std::optional<Failure> declare_queue(Connection& connection);
    [[nodiscard]] std::optional<Failure> bind_key(Connection& connection, std::string_view key);
    [[nodiscard]] Kind kind_of(std::string_view routing_key) const;
    /// `is_drained` is set when there was no frame left.
    [[nodiscard]] std::optional<Failure> read(Connection& connection, bool& is_drained);
    [[nodiscard]] std::optional<Failure> on_frame(const amqp_frame_t& frame);
    [[nodiscard]] std::optional<Failure> on_method(const amqp_method_t& method);
    void on_header(const amqp_basic_properties_t& properties, std::uint64_t bytes);
    void on_body(amqp_bytes_t part);
    void finish_message();
    void on_command_done();
    [[nodiscard]] std::optional<Failure> send_commands(Connection& connection);
    void drop_commands();

    const Topology topology_;
    const std::string control_key_;
    const std::string probe_key_;
    Mail& mail_;
    Waker waker_;
    Mailbox<Command> incoming_;
    std::atomic<bool> is_given_up_{false};

    // on the connection's thread
    std::string queue_;
    std::vector<Command> taken_;
    std::deque<Command> unanswered_;  // the server answers in the order of the calls
    Arrived message_;                 // the one that is being read
    std::uint64_t missing_bytes_ = 0;
    bool is_passed_by_ = false;
    std::vector<Event> events_;

    Worker worker_;  // last: its thread uses all of the above
};

}  // namespace roomcast::rabbitmq

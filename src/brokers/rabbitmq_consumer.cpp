// SPDX-License-Identifier: Apache-2.0
#include "brokers/rabbitmq_consumer.hpp"

#include <algorithm>
#include <utility>

#include <poll.h>

#include "brokers/rabbitmq_publisher.hpp"
#include "util/hex.hpp"
#include "util/random.hpp"

namespace roomcast::rabbitmq {

namespace {

using std::chrono::steady_clock;

constexpr int kFramesPerTurn = 512;
/// No gateway's message is so large: another program's is passed by.
constexpr std::uint64_t kMostBodyBytes = 33'554'432;

ConnectionOptions connection_options(const RabbitmqBrokerOptions& options) {
    return {.address = options.address, .ca_file = options.ca_file, .name = "roomcast consumer"};
}

std::string_view channel_of(const amqp_basic_properties_t& properties) {
    if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) == 0) return {};
    for (int i = 0; i < properties.headers.num_entries; ++i) {
        const amqp_table_entry_t& entry = properties.headers.entries[i];
        if (to_view(entry.key) == "channel" && entry.value.kind == AMQP_FIELD_KIND_UTF8) {
            return to_view(entry.value.value.bytes);
        }
    }
    return {};
}

}  // namespace

Consumer::Consumer(const RabbitmqBrokerOptions& options, std::string probe_key, Mail& mail)
    : topology_(options.topology),
      control_key_(control_key(options.topology)),
      probe_key_(std::move(probe_key)),
      mail_(mail),
      incoming_({0, 0}, [this] { waker_.wake(); }),
      worker_(connection_options(options), "rabbitmq-con", *this, waker_) {}

void Consumer::bind(std::size_t lane, std::uint64_t request) {
    incoming_.put_control({.is_bind = true, .lane = lane, .request = request});
}

void Consumer::unbind(std::size_t lane) {
    incoming_.put_control({.is_bind = false, .lane = lane});
}

void Consumer::give_up() {
    is_given_up_ = true;
    waker_.wake();
}

// ---- The connection's life ----

std::optional<Failure> Consumer::set_up(Connection& connection) {
    drop_commands();
    is_given_up_ = false;
    message_ = {};
    missing_bytes_ = 0;
    if (auto failure = declare_exchange(connection, topology_)) return failure;
    if (auto failure = declare_queue(connection)) return failure;
    if (auto failure = bind_key(connection, control_key_)) return failure;
    if (auto failure = bind_key(connection, probe_key_)) return failure;
    (void)amqp_basic_consume(connection.state(),
                             Connection::kChannel,
                             to_bytes(queue_),
                             amqp_empty_bytes,
                             0,
                             1,
                             1,
                             amqp_empty_table);
    return connection.check_call("consuming from the queue");
}

std::optional<Failure> Consumer::declare_queue(Connection& connection) {
    std::string name = topology_.queue;
    if (!name.empty()) name += '.' + to_hex(random_u64());
    const amqp_queue_declare_ok_t* const declared =
        amqp_queue_declare(connection.state(),
                           Connection::kChannel,
                           to_bytes(name),
                           0,
                           0,
                           topology_.is_exclusive ? 1 : 0,
                           topology_.is_auto_delete ? 1 : 0,
                           amqp_empty_table);
    if (auto failure = connection.check_call("declaring the queue")) return failure;
    queue_ = to_view(declared->queue);
    return std::nullopt;
}

std::optional<Failure> Consumer::bind_key(Connection& connection, std::string_view key) {
    (void)amqp_queue_bind(connection.state(),
                          Connection::kChannel,
                          to_bytes(queue_),
                          to_bytes(topology_.exchange),
                          to_bytes(key),
                          amqp_empty_table);  // check_call() says how that went
    return connection.check_call("binding the queue");
}

void Consumer::on_ready() {
    events_.emplace_back(LinkUp{Link::consumer});
    mail_.put(events_);
    waker_.wake();  // what came with the answers to the calls is in no socket
}

std::optional<Failure> Consumer::turn(Connection& connection) {
    if (is_given_up_) return Failure{.text = "what is published does not reach this node's queue"};
    if (mail_.is_full()) {
        // The bus thread is behind. What it has not taken waits in the server.
        waker_.sleep(Connection::kServeInterval);
        return std::nullopt;
    }
    bool is_drained = false;
    if (auto failure = read(connection, is_drained)) return failure;
    if (auto failure = send_commands(connection)) return failure;
    mail_.put(events_);
    if (!unanswered_.empty() &&
        steady_clock::now() - unanswered_.front().sent_at > Connection::kCallTimeout) {
        return Failure{.text = "the server does not answer"};
    }
    if (is_drained) waker_.sleep(connection.socket(), POLLIN, Connection::kServeInterval);
    return std::nullopt;
}

void Consumer::on_failure(bool was_ready, Failure failure) {
    drop_commands();
    events_.emplace_back(LinkDown{Link::consumer, was_ready, std::move(failure)});
    mail_.put(events_);
}

// ---- What the server says ----

std::optional<Failure> Consumer::read(Connection& connection, bool& is_drained) {
    for (int i = 0; i < kFramesPerTurn; ++i) {
        const auto next = connection.next_frame();
        if (!next) return next.error();
        const std::optional<amqp_frame_t>& frame = *next;
        if (!frame) {
            is_drained = true;
            return std::nullopt;
        }
        if (auto failure = on_frame(*frame)) return failure;
    }
    return std::nullopt;
}

std::optional<Failure> Consumer::on_frame(const amqp_frame_t& frame) {
    switch (frame.frame_type) {
        case AMQP_FRAME_METHOD:
            return on_method(frame.payload.method);
        case AMQP_FRAME_HEADER:
            on_header(
                *static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded),
                frame.payload.properties.body_size);
            return std::nullopt;
        case AMQP_FRAME_BODY:
            on_body(frame.payload.body_fragment);
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

std::optional<Failure> Consumer::on_method(const amqp_method_t& method) {
    switch (method.id) {
        case AMQP_BASIC_DELIVER_METHOD: {
            const auto* const delivery = static_cast<const amqp_basic_deliver_t*>(method.decoded);
            message_ = {.kind = kind_of(to_view(delivery->routing_key))};
            return std::nullopt;
        }
        case AMQP_QUEUE_BIND_OK_METHOD:
        case AMQP_QUEUE_UNBIND_OK_METHOD:
            on_command_done();
            return std::nullopt;
        case AMQP_BASIC_CANCEL_METHOD:
            return Failure{.text = "the queue was deleted"};
        default:
            return std::nullopt;  // nothing else is asked for
    }
}

Kind Consumer::kind_of(std::string_view routing_key) const {
    if (routing_key == control_key_) return Kind::control;
    return routing_key == probe_key_ ? Kind::probe : Kind::publication;
}

void Consumer::on_header(const amqp_basic_properties_t& properties, std::uint64_t bytes) {
    message_.channel = channel_of(properties);
    missing_bytes_ = bytes;
    is_passed_by_ = bytes > kMostBodyBytes;
    if (!is_passed_by_) message_.body.reserve(static_cast<std::size_t>(bytes));
    if (bytes == 0) finish_message();
}

void Consumer::on_body(amqp_bytes_t part) {
    if (!is_passed_by_) message_.body.append(to_view(part));
    missing_bytes_ -= std::min<std::uint64_t>(missing_bytes_, part.len);
    if (missing_bytes_ == 0) finish_message();
}

void Consumer::finish_message() {
    if (is_passed_by_) message_.channel.clear();
    events_.emplace_back(std::exchange(message_, {}));
}

// ---- Lanes ----

void Consumer::on_command_done() {
    if (unanswered_.empty()) return;  // an answer to nothing changes nothing
    const Command command = unanswered_.front();
    unanswered_.pop_front();
    if (command.is_bind) events_.emplace_back(LaneBound{command.lane, command.request});
}

std::optional<Failure> Consumer::send_commands(Connection& connection) {
    incoming_.take(taken_);
    for (Command& command : taken_) {
        const std::string key = lane_key(topology_, command.lane);
        int status = AMQP_STATUS_OK;
        if (command.is_bind) {
            amqp_queue_bind_t bind{};
            bind.queue = to_bytes(queue_);
            bind.exchange = to_bytes(topology_.exchange);
            bind.routing_key = to_bytes(key);
            status = amqp_send_method(
                connection.state(), Connection::kChannel, AMQP_QUEUE_BIND_METHOD, &bind);
        } else {
            amqp_queue_unbind_t unbind{};
            unbind.queue = to_bytes(queue_);
            unbind.exchange = to_bytes(topology_.exchange);
            unbind.routing_key = to_bytes(key);
            status = amqp_send_method(
                connection.state(), Connection::kChannel, AMQP_QUEUE_UNBIND_METHOD, &unbind);
        }
        if (auto failure = Connection::check_status(status, "binding the queue")) return failure;
        command.sent_at = steady_clock::now();
        unanswered_.push_back(command);
    }
    taken_.clear();
    return std::nullopt;
}

/// They were for a queue that is gone.
void Consumer::drop_commands() {
    taken_.clear();
    incoming_.take(taken_);
    taken_.clear();
    unanswered_.clear();
}

}  // namespace roomcast::rabbitmq

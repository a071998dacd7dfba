// SPDX-License-Identifier: Apache-2.0
#include "brokers/rabbitmq_publisher.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include <poll.h>

namespace roomcast::rabbitmq {

namespace {

using std::chrono::milliseconds, std::chrono::steady_clock;

/// What is sent before the socket is asked whether it takes more: less than what a socket that is
/// ready has room for, since the library would wait for the rest.
constexpr std::size_t kBytesUnasked = 16'384;
/// Nobody listens there: it finds out whether the server takes publications.
constexpr std::string_view kNobodysKey = "roomcast.probe";
constexpr std::uint8_t kTransient = 1;
/// Publications are answered in time even when their confirmation is not: what would be sent in the
/// second half of its time is not sent at all.
constexpr int kLastPart = 2;

bool is_writable(int socket) {
    pollfd wait{socket, POLLOUT, 0};
    return ::poll(&wait, 1, 0) > 0;
}

/// "… message size 300 is larger than configured max size 200": the words of the server for what
/// is too large.
std::optional<std::size_t> size_limit(const Failure& failure) {
    constexpr std::string_view kWords = "max size ";
    const std::size_t at = failure.text.find(kWords);
    if (failure.code != AMQP_PRECONDITION_FAILED || at == std::string::npos) return std::nullopt;
    std::size_t limit = 0;
    const char* const begin = failure.text.data() + at + kWords.size();
    const auto parsed = std::from_chars(begin, failure.text.data() + failure.text.size(), limit);
    if (parsed.ec != std::errc() || limit == 0) return std::nullopt;
    return limit;
}

ConnectionOptions connection_options(const RabbitmqBrokerOptions& options) {
    return {.address = options.address, .ca_file = options.ca_file, .name = "roomcast publisher"};
}

}  // namespace

std::string control_key(const Topology& topology) {
    return topology.routing_key_prefix + "control";
}

std::string probe_key(const Topology& topology, std::string_view node) {
    return topology.routing_key_prefix + "probe." + std::string(node);
}

std::string lane_key(const Topology& topology, std::size_t lane) {
    return topology.routing_key_prefix + "lane." + std::to_string(lane);
}

std::optional<Failure> declare_exchange(Connection& connection, const Topology& topology) {
    (void)amqp_exchange_declare(connection.state(),
                                Connection::kChannel,
                                to_bytes(topology.exchange),
                                to_bytes(topology.exchange_type),
                                0,
                                1,
                                0,
                                0,
                                amqp_empty_table);  // check_call() says how that went
    return connection.check_call("declaring the exchange");
}

Publisher::Publisher(const RabbitmqBrokerOptions& options, std::string probe_key, Mail& mail)
    : topology_(options.topology),
      publish_timeout_(options.publish_timeout),
      window_(options.confirm_window),
      mail_(mail),
      incoming_({0, 0}, [this] { waker_.wake(); }),
      worker_(connection_options(options), "rabbitmq-pub", *this, waker_) {
    for (std::size_t lane = 0; lane < kLanes; ++lane)
        routing_keys_[lane] = lane_key(topology_, lane);
    routing_keys_[kControlLane] = control_key(topology_);
    routing_keys_[kProbeLane] = std::move(probe_key);
}

void Publisher::put(Outgoing outgoing) {
    incoming_.put_control(std::move(outgoing));
}

// ---- The connection's life ----

std::optional<Failure> Publisher::set_up(Connection& connection) {
    (void)amqp_confirm_select(connection.state(), Connection::kChannel);
    if (auto failure = connection.check_call("asking for confirmations")) return failure;
    if (auto failure = declare_exchange(connection, topology_)) return failure;
    return probe(connection);
}

/// A server that is short of memory or disk says so to whoever publishes, not before: without this
/// the first publications would find out.
std::optional<Failure> Publisher::probe(Connection& connection) {
    if (auto failure = send(connection, kNobodysKey, {.body = "{}"})) return failure;
    const auto deadline = steady_clock::now() + Connection::kCallTimeout;
    while (confirms_.size() > 0 && !is_blocked_) {
        if (auto failure = read(connection)) {
            failure->is_configuration = failure->code == AMQP_ACCESS_REFUSED;
            return failure;
        }
        if (worker_.is_stopping() || steady_clock::now() >= deadline) {
            return Failure{.text = "the server did not confirm a first publication"};
        }
        if (confirms_.size() > 0 && !is_blocked_) {
            waker_.sleep(connection.socket(), POLLIN, Connection::kServeInterval);
        }
    }
    return std::nullopt;
}

void Publisher::on_ready() {
    events_.emplace_back(LinkUp{Link::publisher});
    mail_.put(events_);
    waker_.wake();  // what came meanwhile has woken nobody
}

std::optional<Failure> Publisher::turn(Connection& connection) {
    if (auto failure = read(connection)) return failure;
    if (auto failure = check_overdue(connection)) return failure;
    take_new();
    bool must_wait = false;
    if (auto failure = send_waiting(connection, must_wait)) return failure;
    mail_.put(events_);
    const short events = must_wait ? POLLIN | POLLOUT : POLLIN;
    waker_.sleep(connection.socket(),
                 events,
                 std::min<milliseconds>(Connection::kServeInterval, publish_timeout_ / kLastPart));
    return std::nullopt;
}

void Publisher::on_failure(bool was_ready, Failure failure) {
    is_blocked_ = false;
    const auto limit = size_limit(failure);
    if (limit) events_.emplace_back(SizeLimit{*limit});
    for (const Sent& sent : confirms_.take_all()) {
        const bool is_too_large = limit && sent.bytes > *limit;
        answer(sent.id, is_too_large ? Verdict::too_large : Verdict::failed);
    }
    if (!was_ready) {
        take_new();
        answer_waiting(Verdict::failed);
    }
    events_.emplace_back(LinkDown{Link::publisher, was_ready, std::move(failure)});
    mail_.put(events_);
}

// ---- What the server says ----

std::optional<Failure> Publisher::read(Connection& connection) {
    for (;;) {
        const auto next = connection.next_frame();
        if (!next) return next.error();
        const std::optional<amqp_frame_t>& frame = *next;
        if (!frame) return std::nullopt;
        if (frame->frame_type == AMQP_FRAME_METHOD) on_method(frame->payload.method);
    }
}

void Publisher::on_method(const amqp_method_t& method) {
    switch (method.id) {
        case AMQP_BASIC_ACK_METHOD: {
            const auto* const ack = static_cast<const amqp_basic_ack_t*>(method.decoded);
            return on_confirm(ack->delivery_tag, ack->multiple != 0, Verdict::taken);
        }
        case AMQP_BASIC_NACK_METHOD: {
            const auto* const nack = static_cast<const amqp_basic_nack_t*>(method.decoded);
            return on_confirm(nack->delivery_tag, nack->multiple != 0, Verdict::failed);
        }
        case AMQP_CONNECTION_BLOCKED_METHOD: {
            const auto* const blocked =
                static_cast<const amqp_connection_blocked_t*>(method.decoded);
            is_blocked_ = true;
            const std::string_view reason = to_view(blocked->reason);
            events_.emplace_back(Blocked{std::string(reason.empty() ? "no reason given" : reason)});
            return;
        }
        case AMQP_CONNECTION_UNBLOCKED_METHOD:
            is_blocked_ = false;
            events_.emplace_back(Blocked{});
            return;
        default:
            return;  // nothing else is asked for
    }
}

void Publisher::on_confirm(std::uint64_t tag, bool is_multiple, Verdict verdict) {
    for (const Sent& sent : confirms_.take(tag, is_multiple))
        answer(sent.id, verdict);
}

/// A server that is so slow may be frozen. What its system has not got yet is taken back: whoever
/// has published is told that it failed.
std::optional<Failure> Publisher::check_overdue(const Connection& connection) const {
    const auto oldest = confirms_.oldest();
    if (!oldest || steady_clock::now() - *oldest < publish_timeout_) return std::nullopt;
    connection.reset_at_end();
    return Failure{.text = "the server did not confirm a publication within " +
                           std::to_string(publish_timeout_.count()) + " ms"};
}

// ---- What is published ----

void Publisher::take_new() {
    incoming_.take(taken_);
    std::move(taken_.begin(), taken_.end(), std::back_inserter(waiting_));
    taken_.clear();
}

std::optional<Failure> Publisher::send_waiting(Connection& connection, bool& must_wait) {
    if (is_blocked_) answer_waiting(Verdict::blocked);
    if (waiting_.empty()) return std::nullopt;
    const SteadyTime last_call = steady_clock::now() + publish_timeout_ / kLastPart;
    std::size_t unasked = kBytesUnasked;
    while (!waiting_.empty() && confirms_.size() < window_) {
        const bool is_late = waiting_.front().deadline < last_call;
        if (!is_late && unasked >= kBytesUnasked) {
            must_wait = !is_writable(connection.socket());
            if (must_wait) return std::nullopt;
            unasked = 0;
        }
        const Outgoing next = std::move(waiting_.front());
        waiting_.pop_front();
        if (is_late) {
            answer(next.id, Verdict::failed);
            continue;
        }
        unasked += next.body.size();
        if (auto failure = send(connection, routing_keys_[next.lane], next)) return failure;
    }
    return std::nullopt;
}

std::optional<Failure> Publisher::send(Connection& connection,
                                       std::string_view routing_key,
                                       const Outgoing& outgoing) {
    amqp_table_entry_t channel{};
    channel.key = amqp_cstring_bytes("channel");
    channel.value.kind = AMQP_FIELD_KIND_UTF8;
    channel.value.value.bytes = to_bytes(outgoing.channel);
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.headers = {1, &channel};
    properties.delivery_mode = kTransient;
    // Before it is sent: a failure answers it with the others.
    confirms_.add({outgoing.id, outgoing.body.size(), steady_clock::now()});
    return Connection::check_status(amqp_basic_publish(connection.state(),
                                                       Connection::kChannel,
                                                       to_bytes(topology_.exchange),
                                                       to_bytes(routing_key),
                                                       0,
                                                       0,
                                                       &properties,
                                                       to_bytes(outgoing.body)),
                                    "publishing");
}

void Publisher::answer(std::uint64_t id, Verdict verdict) {
    if (id != 0) events_.emplace_back(Answered{id, verdict});
}

void Publisher::answer_waiting(Verdict verdict) {
    for (const Outgoing& outgoing : std::exchange(waiting_, {}))
        answer(outgoing.id, verdict);
}

}  // namespace roomcast::rabbitmq

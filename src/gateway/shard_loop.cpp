// SPDX-License-Identifier: Apache-2.0
#include "gateway/shard_loop.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/http_connection.hpp"
#include "util/assert.hpp"
#include "util/log.hpp"
#include "util/random.hpp"

namespace roomcast {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

thread_local ShardLoop* loop_of_this_thread = nullptr;

constexpr std::string_view kTooManyConnections =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\n"
    "Connection: close\r\nContent-Length: 60\r\n\r\n"
    R"({"error":"too many connections","reason":"too_many_clients"})";

void refuse(int socket, bool is_tls) {
    if (!is_tls) {
        (void)::send(socket,
                     kTooManyConnections.data(),
                     kTooManyConnections.size(),
                     MSG_DONTWAIT | MSG_NOSIGNAL);  // a courtesy: the close is the answer
    }
    ::close(socket);
}

}  // namespace

ShardLoop::ShardLoop(Shard& shard, const GatewayOptions& options, GatewayState& state)
    : shard_(shard),
      options_(options),
      state_(state),
      outbox_limit_(std::max(options.limits.outbox_bytes, 4 * options.limits.message_bytes)),
      reader_limits_{options.limits.message_bytes, options.limits.fragments},
      deflate_reader_limits_{options.limits.message_bytes, options.limits.fragments, &inflater_},
      frame_deflater_(shard.metrics()),
      now_(shard.services().clock.steady()),
      wheel_(now_),
      io_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      timer_(io_),
      tls_(options.tls),
      read_buffer_(std::make_unique_for_overwrite<char[]>(kReadBytes + kPadding)),
      random_state_(random_u64() | 1) {
    if (tls_) plain_buffer_ = std::make_unique_for_overwrite<char[]>(kReadBytes + kPadding);
}

ShardLoop::~ShardLoop() {
    while (first_)
        remove(*first_);
}

void ShardLoop::add_listener(int socket, bool is_operator_listener) {
    listeners_.push_back(std::make_unique<Listener>(*this, socket, is_operator_listener));
}

void ShardLoop::wake() {
    boost::asio::post(io_, [] {});
}

void ShardLoop::post(std::function<void(ShardLoop&)> work) {
    boost::asio::post(io_, [this, work = std::move(work)] {
        refresh_time();
        work(*this);
    });
}

std::function<void(std::function<void()>)> ShardLoop::poster() {
    ShardLoop* const loop = loop_of_this_thread;
    ASSERT(loop);
    return [loop](std::function<void()> work) {
        loop->post([work = std::move(work)](ShardLoop&) { work(); });
    };
}

// The loop.

void ShardLoop::run(std::unique_ptr<SendBatch> batch) {
    loop_of_this_thread = this;
    flusher_ = std::make_unique<Flusher>(std::move(batch), metrics());
    const auto work = boost::asio::make_work_guard(io_);
    while (!is_stopped_) {
        sleep_or_poll();
        run_turn();
    }
    listeners_.clear();
    for (Connection* connection = first_; connection; connection = connection->next_) {
        connection->abort();
    }
    run_endings();
    while (shard_.turn(now_)) {
    }
}

void ShardLoop::sleep_or_poll() {
    is_time_stale_ = true;
    std::size_t handled = 0;
    if (!has_more_work_) {
        arm_timer();
        handled = io_.run_one();
    }
    // By time too: one client that sends without end is readable again at once, and what was read
    // for the others waits for the end of the turn.
    const Clock& clock = shard_.services().clock;
    const SteadyTime end = clock.steady() + kReadTime;
    while (handled < kMaxHandlersPerTurn && clock.steady() < end && io_.poll_one() > 0)
        ++handled;
    refresh_time();
}

void ShardLoop::refresh_time() {
    if (std::exchange(is_time_stale_, false)) now_ = shard_.services().clock.steady();
}

void ShardLoop::arm_timer() {
    SteadyTime due = shard_.next_deadline().value_or(SteadyTime::max());
    if (!wheel_.is_empty()) due = std::min(due, now_ + TimerWheel::kTick);
    if (is_draining()) due = std::min(due, now_ + milliseconds(20));
    // A timer that fires too early costs one empty turn; moving it costs a system call every turn.
    if (due >= timer_due_) return;
    timer_due_ = due;
    timer_.expires_at(due);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) timer_due_ = SteadyTime::max();
    });
}

void ShardLoop::run_turn() {
    const SteadyTime began = now_;
    handshakes_ = 0;
    wheel_.advance(now_,
                   [this](TimerWheel::Node& node) { Connection::of_timer(node).on_timer(now_); });
    run_resumed();
    bool has_mail = shard_.turn(now_);
    for (const ConnectionPtr& connection : std::exchange(slow_, {})) {
        if (connection->is_open()) connection->driver_->on_slow();
    }
    if (is_draining()) run_drain();
    flush();
    shard_.record_sent(shard_.services().clock.steady());
    const bool has_ended = !ending_.empty();
    run_endings();
    // What ended has left its channels: that is mail of this shard to itself.
    has_more_work_ =
        has_mail || has_ended || !resumed_.empty() || !slow_.empty() || !flusher_->is_empty();

    metrics().outbox_bytes.store(queued_bytes_);
    const auto took = duration_cast<microseconds>(shard_.services().clock.steady() - began);
    const auto took_us = static_cast<std::uint64_t>(took.count());
    metrics().loop_turn.record(took_us);
    if (took_us > metrics().loop_stall_us_max.value()) metrics().loop_stall_us_max.store(took_us);
}

void ShardLoop::run_resumed() {
    for (const ConnectionPtr& connection : std::exchange(resumed_, {}))
        connection->offer_rest();
}

void ShardLoop::flush() {
    const SteadyTime end = shard_.services().clock.steady() + kFlushTime;
    while (!flusher_->is_empty()) {
        flusher_->flush_slice();
        if (shard_.services().clock.steady() >= end) return;
    }
}

void ShardLoop::run_endings() {
    // Drivers that are told may end further connections: those wait for the next round.
    for (const ConnectionPtr& connection : std::exchange(ending_, {})) {
        if (!std::exchange(connection->is_driver_told_, true)) connection->driver_->on_end();
        if (connection->state_ == Connection::State::dead) remove(*connection);
    }
    buried_.clear();
}

// Connections.

void ShardLoop::accept(int socket,
                       std::string peer_address,
                       std::uint16_t peer_port,
                       bool is_operator) {
    const Limits& limits = options_.limits;
    // A proxy has many clients: each is counted once its request has named it.
    const bool is_client = !options_.trusted_proxies.contains(peer_address);
    if (state_.connections.fetch_add(1, std::memory_order_relaxed) >= limits.connections ||
        (is_client && !admit_client(peer_address))) {
        state_.connections.fetch_sub(1, std::memory_order_relaxed);
        metrics().connections_refused.add();
        return refuse(socket, tls_ && !is_operator);
    }
    boost::asio::ip::tcp::socket peer(io_);
    boost::system::error_code error;
    peer.assign(boost::asio::ip::tcp::v4(), socket, error);  // the family is not used after assign
    if (error) {
        ::close(socket);
        state_.connections.fetch_sub(1, std::memory_order_relaxed);
        if (is_client) dismiss_client(peer_address);
        return;
    }
    const ConnectionPtr connection(new Connection(
        *this, std::move(peer), std::move(peer_address), peer_port, is_client, is_operator));
    intrusive_ptr_add_ref(connection.get());  // the list's own, dropped by remove()
    connection->next_ = first_;
    if (first_) first_->previous_ = connection.get();
    first_ = connection.get();
    ++connection_count_;
    metrics().connections_opened.add();
    connection->start(std::make_unique<HttpConnection>(*connection), is_operator ? nullptr : tls_);
}

void ShardLoop::remove(Connection& connection) {
    if (!connection.socket_.is_open()) return;
    boost::system::error_code ignored;  // the descriptor is gone in any case
    connection.socket_.close(ignored);
    wheel_.cancel(connection.timer_);
    subtract_queued(connection.outbox_.bytes());
    if (connection.previous_) connection.previous_->next_ = connection.next_;
    if (connection.next_) connection.next_->previous_ = connection.previous_;
    if (first_ == &connection) first_ = connection.next_;
    --connection_count_;
    metrics().connections_closed.add();
    state_.connections.fetch_sub(1, std::memory_order_relaxed);
    if (connection.is_client_known_) dismiss_client(connection.peer_address_);
    intrusive_ptr_release(&connection);
}

milliseconds ShardLoop::jitter(milliseconds limit) {
    // xorshift64 (Marsaglia, 2003): spreading load needs no better randomness.
    random_state_ ^= random_state_ << 13;
    random_state_ ^= random_state_ >> 7;
    random_state_ ^= random_state_ << 17;
    if (limit.count() <= 0) return milliseconds(0);
    return milliseconds(random_state_ % static_cast<std::uint64_t>(limit.count()));
}

// Draining.

void ShardLoop::stop_accepting() {
    listeners_.clear();
}

void ShardLoop::drain(milliseconds spread, std::function<void()> drained) {
    ASSERT(drained && !is_draining());
    stop_accepting();
    shard_.drain();
    for (Connection* connection = first_; connection; connection = connection->next_) {
        draining_.emplace_back(connection);
    }
    for (std::size_t i = draining_.size(); i > 1; --i) {
        const auto other = jitter(milliseconds(static_cast<std::int64_t>(i))).count();
        std::swap(draining_[i - 1], draining_[static_cast<std::size_t>(other)]);
    }
    draining_total_ = draining_.size();
    drain_began_ = now_;
    drain_spread_ = spread;
    drained_ = std::move(drained);
}

void ShardLoop::run_drain() {
    const auto passed = duration_cast<milliseconds>(now_ - drain_began_);
    std::size_t told = draining_total_;
    if (passed < drain_spread_) {
        told = draining_total_ * static_cast<std::size_t>(passed.count()) /
               static_cast<std::size_t>(drain_spread_.count());
    }
    while (draining_total_ - draining_.size() < told) {
        const ConnectionPtr connection = std::move(draining_.back());
        draining_.pop_back();
        if (connection->is_open()) connection->driver_->on_drain();
    }
    if (connection_count_ == 0 && !std::exchange(is_drained_, true)) drained_();
}

}  // namespace roomcast

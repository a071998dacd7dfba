// SPDX-License-Identifier: Apache-2.0
#include "gateway/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include <sys/socket.h>

#include "gateway/shard_loop.hpp"
#include "util/assert.hpp"
#include "util/log.hpp"

namespace roomcast {

namespace {

using Socket = boost::asio::ip::tcp::socket;

/// What the frame parser and the JSON parser may read behind their input.
constexpr std::size_t kPadding = 64;

}  // namespace

Connection::Connection(ShardLoop& loop,
                       Socket socket,
                       std::string peer_address,
                       std::uint16_t peer_port,
                       bool is_client_known,
                       bool is_operator_listener)
    : loop_(loop),
      socket_(std::move(socket)),
      is_operator_listener_(is_operator_listener),
      is_client_known_(is_client_known),
      peer_port_(peer_port),
      peer_address_(std::move(peer_address)) {}

Connection::~Connection() {
    loop_.wheel().cancel(timer_);
}

void Connection::start(std::unique_ptr<ConnectionDriver> driver,
                       std::shared_ptr<const TlsContext> tls) {
    driver_ = std::move(driver);
    if (tls) tls_ = std::make_unique<TlsStream>(std::move(tls));
    wake_at(driver_->on_deadline(loop_.now()));
    arm_read();
}

void Connection::replace_driver(std::unique_ptr<ConnectionDriver> driver) {
    loop_.bury(std::exchange(driver_, std::move(driver)));
    driver_due_ = SteadyTime::max();
    wake_at(driver_->on_deadline(loop_.now()));
}

bool Connection::belong_to(const std::string& address) {
    if (is_client_known_) return true;
    if (!loop_.admit_client(address)) return false;
    is_client_known_ = true;
    if (address != peer_address_) peer_port_ = 0;
    peer_address_ = address;
    return true;
}

std::string Connection::peer() const {
    if (peer_port_ == 0) return peer_address_;
    const bool is_v6 = peer_address_.find(':') != std::string::npos;
    return (is_v6 ? '[' + peer_address_ + ']' : peer_address_) + ':' + std::to_string(peer_port_);
}

std::size_t Connection::queued_bytes() const {
    return outbox_.bytes() + (tls_ ? tls_->ciphertext().size() : 0);
}

// Reading.

void Connection::arm_read() {
    // A connection that has ended its side goes on reading, to see the peer's end.
    if (is_read_armed_ || is_peer_ended_ || state_ == State::dead) return;
    if (state_ == State::open && (!is_reading_ || stash_)) return;
    is_read_armed_ = true;
    socket_.async_wait(Socket::wait_read, [self = ConnectionPtr(this)](const auto& error) {
        self->is_read_armed_ = false;
        if (!error) self->on_readable();
    });
}

void Connection::on_readable() {
    if (state_ == State::dead) return;
    loop_.refresh_time();
    const std::span<char> buffer = loop_.read_buffer();
    const auto got = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return abort();
    } else if (got == 0) {
        return on_peer_end();
    } else {
        const auto size = static_cast<std::size_t>(got);
        loop_.metrics().bytes_received.add(size);
        if (state_ == State::open) {
            if (tls_) {
                tls_->feed({buffer.data(), size});
                read_tls();
            } else {
                offer(buffer.first(size));
            }
        }
    }
    arm_read();
}

void Connection::read_tls() {
    if (!tls_->is_established() && !loop_.take_handshake_turn()) {
        // Handshakes are dear: beyond the loop's share of a turn this one goes on in a later one.
        return resume();
    }
    while (state_ == State::open && is_reading_ && !stash_) {
        const std::span<char> plain = loop_.plain_buffer();
        const auto [status, size] = tls_->read(plain);
        if (status == TlsStream::ReadStatus::bytes) {
            offer(plain.first(size));
            continue;
        }
        if (!tls_->ciphertext().empty()) mark_dirty();  // of the handshake, or an alert
        if (status == TlsStream::ReadStatus::ended) return on_peer_end();
        if (status == TlsStream::ReadStatus::failed) finish();
        return;
    }
}

void Connection::offer(std::span<char> bytes) {
    ASSERT(!stash_);
    std::size_t used = 0;
    try {
        used = driver_->on_bytes(bytes);
    } catch (const std::exception& error) {
        // Nothing of ours throws here but for want of memory: this client pays, not all.
        log::error("connection ended by an unexpected error",
                   {{"peer", peer()}, {"error", error.what()}});
        return abort();
    }
    if (used == bytes.size() || state_ != State::open) return;
    const std::span<char> rest = bytes.subspan(used);
    stash_ = std::make_unique<std::string>();
    stash_->reserve(rest.size() + kPadding);
    stash_->assign(rest.data(), rest.size());
}

void Connection::set_reading(bool is_reading) {
    if (std::exchange(is_reading_, is_reading) == is_reading) return;
    if (is_reading) resume();
}

void Connection::resume() {
    if (is_resumed_ || state_ != State::open) return;
    is_resumed_ = true;
    loop_.resume_later(this);
}

void Connection::offer_rest() {
    is_resumed_ = false;
    if (state_ != State::open || !is_reading_) return;
    if (const auto stash = std::move(stash_)) {
        // The string has room for the padding (offer() reserved it).
        offer({stash->data(), stash->size()});
    }
    if (tls_ && !stash_) read_tls();
    if (!stash_ && is_peer_ended_ && state_ == State::open) driver_->on_peer_end();
    arm_read();
}

void Connection::on_peer_end() {
    if (std::exchange(is_peer_ended_, true)) return;
    if (state_ == State::open) {
        // What it sent before stays valid: the driver learns of the end behind it.
        if (!stash_) driver_->on_peer_end();
    } else if (state_ == State::finished) {
        abort();
    }
}

// Sending.

void Connection::send_live(const LocalFramePtr& frame) {
    if (state_ != State::open) return;
    const std::size_t size = frame->bytes().size();
    if (outbox_.live_bytes() + size > loop_.outbox_limit()) {
        if (!std::exchange(is_slow_, true)) loop_.mark_slow(this);
        return;
    }
    expect_to_send(size);
    outbox_.push_live(frame);
    mark_dirty();
}

void Connection::send_answer(const LocalFramePtr& frame) {
    if (state_ != State::open) return;
    expect_to_send(frame->bytes().size());
    outbox_.push_answer(frame);
    mark_dirty();
}

void Connection::expect_to_send(std::size_t bytes) {
    if (outbox_.is_empty()) last_progress_ = loop_.now();
    loop_.add_queued(bytes);
}

void Connection::consume(std::size_t bytes) {
    outbox_.consume(bytes);
    loop_.subtract_queued(bytes);
}

void Connection::drop_unsent() {
    const std::size_t before = outbox_.bytes();
    outbox_.drop_unsent();
    loop_.subtract_queued(before - outbox_.bytes());
}

void Connection::mark_dirty() {
    if (is_dirty_ || is_blocked_ || state_ >= State::finished) return;
    is_dirty_ = true;
    loop_.flusher().add(this);
}

void Connection::on_sent(long result, std::size_t asked) {
    if (state_ >= State::finished) return;
    if (result < 0) {
        if (result == -EAGAIN || result == -EWOULDBLOCK || result == -EINTR) {
            return wait_for_writability();
        }
        return abort();
    }
    const auto sent = static_cast<std::size_t>(result);
    if (sent > 0) last_progress_ = loop_.now();
    if (tls_) {
        tls_->consume_ciphertext(sent);
    } else {
        consume(sent);
    }
    if (sent < asked) return wait_for_writability();
    if (is_sending()) {
        mark_dirty();
    } else {
        on_drained();
    }
}

void Connection::on_drained() {
    if (stash_) resume();  // the driver may have waited for room
    if (state_ != State::finishing) return;
    state_ = State::finished;
    boost::system::error_code ignored;  // a peer that is gone already needs no telling
    socket_.shutdown(Socket::shutdown_send, ignored);
    if (is_peer_ended_) return abort();
    finished_due_ = loop_.now() + loop_.limits().close_wait;
    loop_.wheel().schedule_at_latest(timer_, finished_due_);
    arm_read();
}

void Connection::wait_for_writability() {
    if (is_blocked_) return;
    is_blocked_ = true;
    loop_.wheel().schedule_at_latest(timer_, last_progress_ + stall_limit());
    socket_.async_wait(Socket::wait_write, [self = ConnectionPtr(this)](const auto& error) {
        self->is_blocked_ = false;
        if (!error) self->mark_dirty();
    });
}

// Deadlines and the end.

Connection& Connection::of_timer(TimerWheel::Node& node) {
    return static_cast<Timer&>(node).owner;
}

void Connection::wake_at(SteadyTime due) {
    if (due == SteadyTime::max()) return;
    driver_due_ = std::min(driver_due_, due);
    loop_.wheel().schedule_at_latest(timer_, due);
}

void Connection::on_timer(SteadyTime now) {
    if (state_ == State::dead) return;
    if (now >= finished_due_) return abort();
    if (is_sending() && now >= last_progress_ + stall_limit()) {
        // Stood still for too long: told once, and when even the farewell does not leave, ended.
        if (state_ != State::open) return abort();
        last_progress_ = now;
        if (!std::exchange(is_slow_, true)) loop_.mark_slow(this);
    } else if (!is_sending()) {
        outbox_.shrink();
    }
    if (state_ == State::open && now >= driver_due_) {
        driver_due_ = SteadyTime::max();
        driver_due_ = driver_->on_deadline(now);
    }
    SteadyTime next = std::min(driver_due_, finished_due_);
    if (is_sending()) next = std::min(next, last_progress_ + stall_limit());
    if (next != SteadyTime::max()) loop_.wheel().schedule_at_latest(timer_, next);
}

std::chrono::seconds Connection::stall_limit() const {
    return state_ == State::open ? loop_.limits().outbox_stall : loop_.limits().close_wait;
}

void Connection::finish() {
    if (state_ != State::open) return;
    state_ = State::finishing;
    last_progress_ = loop_.now();
    loop_.wheel().schedule_at_latest(timer_, last_progress_ + stall_limit());
    loop_.end_later(this);
    // Even an empty outbox passes through the flusher, which ends this side (and tells TLS so).
    mark_dirty();
}

void Connection::abort() {
    if (state_ == State::dead) return;
    state_ = State::dead;
    loop_.end_later(this);
}

}  // namespace roomcast

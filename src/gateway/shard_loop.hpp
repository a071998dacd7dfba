// SPDX-License-Identifier: Apache-2.0
// The event loop of one shard: one thread that reads its sockets, turns its part of core and sends.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "codec/websocket.hpp"
#include "codec/websocket_deflate.hpp"
#include "core/hub.hpp"
#include "gateway/connection.hpp"
#include "gateway/flusher.hpp"
#include "gateway/frame_deflater.hpp"
#include "gateway/listener.hpp"
#include "gateway/options.hpp"
#include "gateway/timer_wheel.hpp"

namespace roomcast {

/// What the loops of one gateway share.
struct GatewayState {
    std::atomic<std::size_t> connections{0};
    PeerCounter peers;
};

/// One thread's loop. A turn: handle what the sockets bring, turn the core shard, send everything
/// that was queued, end what has ended. All but wake(), post() and the constructor belong to the
/// thread of run().
class ShardLoop {
public:
    ShardLoop(Shard& shard, const GatewayOptions& options, GatewayState& state);
    ~ShardLoop();
    ShardLoop(const ShardLoop&) = delete;
    ShardLoop& operator=(const ShardLoop&) = delete;

    /// Before run(). Takes over a listening socket.
    void add_listener(int socket, bool is_operator_listener);
    /// Runs until stop(). `batch`: how it sends; made on this thread.
    void run(std::unique_ptr<SendBatch> batch);

    // From any thread.
    void wake();
    void post(std::function<void(ShardLoop&)> work);

    /// How to reach the loop of the calling thread, which is inside run().
    [[nodiscard]] static std::function<void(std::function<void()> work)> poster();

    /// No new connections from now on.
    void stop_accepting();
    /// Ends all connections within `spread`, one after the other in random order, then calls
    /// `drained`. Accepting has stopped.
    void drain(std::chrono::milliseconds spread, std::function<void()> drained);

    /// run() returns soon; connections that are still there are cut.
    void stop() { is_stopped_ = true; }

    void set_tls(std::shared_ptr<const TlsContext> tls) { tls_ = std::move(tls); }

    [[nodiscard]] std::size_t connection_count() const { return connection_count_; }

    // For connections and their drivers.
    [[nodiscard]] Shard& shard() { return shard_; }

    [[nodiscard]] const GatewayOptions& options() const { return options_; }

    [[nodiscard]] const Limits& limits() const { return options_.limits; }

    [[nodiscard]] const websocket::ReaderLimits& reader_limits() const { return reader_limits_; }

    /// Of connections with permessage-deflate.
    [[nodiscard]] const websocket::ReaderLimits& deflate_reader_limits() const {
        return deflate_reader_limits_;
    }

    [[nodiscard]] FrameDeflater& frame_deflater() { return frame_deflater_; }

    [[nodiscard]] ShardMetrics& metrics() { return shard_.metrics(); }

    /// The time of this turn.
    [[nodiscard]] SteadyTime now() const { return now_; }

    [[nodiscard]] std::size_t outbox_limit() const { return outbox_limit_; }

    [[nodiscard]] bool is_draining() const { return drained_ != nullptr; }

    [[nodiscard]] TimerWheel& wheel() { return wheel_; }

    [[nodiscard]] Flusher& flusher() { return *flusher_; }

    /// A random duration below `limit`: spreads what would else happen all at once.
    [[nodiscard]] std::chrono::milliseconds jitter(std::chrono::milliseconds limit);

private:
    friend class Connection;
    friend class Listener;

    static constexpr std::size_t kReadBytes = 65'536;
    static constexpr std::size_t kPadding = 64;
    static constexpr std::size_t kMaxHandlersPerTurn = 256;
    static constexpr unsigned kMaxHandshakesPerTurn = 32;
    static constexpr std::chrono::microseconds kReadTime{2'000};
    static constexpr std::chrono::microseconds kFlushTime{2'000};

    // For Connection and Listener.
    void accept(int socket, std::string peer_address, std::uint16_t peer_port, bool is_operator);

    /// Counts a connection of the client at `address`. False: it has too many.
    [[nodiscard]] bool admit_client(const std::string& address) {
        return state_.peers.try_add(address, options_.limits.connections_per_ip);
    }

    /// One that was admitted is gone.
    void dismiss_client(const std::string& address) {
        if (options_.limits.connections_per_ip != 0) state_.peers.remove(address);
    }

    [[nodiscard]] std::span<char> read_buffer() { return {read_buffer_.get(), kReadBytes}; }

    [[nodiscard]] std::span<char> plain_buffer() { return {plain_buffer_.get(), kReadBytes}; }

    [[nodiscard]] bool take_handshake_turn() { return handshakes_++ < kMaxHandshakesPerTurn; }

    void resume_later(ConnectionPtr connection) { resumed_.push_back(std::move(connection)); }

    void end_later(ConnectionPtr connection) { ending_.push_back(std::move(connection)); }

    void mark_slow(ConnectionPtr connection) { slow_.push_back(std::move(connection)); }

    void bury(std::unique_ptr<ConnectionDriver> driver) { buried_.push_back(std::move(driver)); }

    void add_queued(std::size_t bytes) { queued_bytes_ += bytes; }

    void subtract_queued(std::size_t bytes) { queued_bytes_ -= bytes; }

    [[nodiscard]] boost::asio::io_context& io() { return io_; }

    void sleep_or_poll();
    /// Handlers call this first: the time before a sleep is not the time behind it.
    void refresh_time();
    void arm_timer();
    void run_turn();
    void run_resumed();
    void run_drain();
    void flush();
    void run_endings();
    void remove(Connection& connection);

    Shard& shard_;
    const GatewayOptions& options_;
    GatewayState& state_;
    const std::size_t outbox_limit_;
    const websocket::ReaderLimits reader_limits_;
    websocket::Inflater inflater_;
    const websocket::ReaderLimits deflate_reader_limits_;
    FrameDeflater frame_deflater_;
    SteadyTime now_;
    TimerWheel wheel_;  // outlives io_, whose pending operations hold connections
    boost::asio::io_context io_;
    boost::asio::steady_timer timer_;
    SteadyTime timer_due_ = SteadyTime::max();
    std::unique_ptr<Flusher> flusher_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::shared_ptr<const TlsContext> tls_;
    std::unique_ptr<char[]> read_buffer_;
    std::unique_ptr<char[]> plain_buffer_;  // decrypted; only with TLS

    Connection* first_ = nullptr;
    std::size_t connection_count_ = 0;
    std::size_t queued_bytes_ = 0;
    unsigned handshakes_ = 0;
    bool has_more_work_ = false;
    bool is_time_stale_ = false;
    bool is_stopped_ = false;
    std::uint64_t random_state_;

    // What waits for the next step of the turn; emptied there.
    std::vector<ConnectionPtr> resumed_;
    std::vector<ConnectionPtr> slow_;
    std::vector<ConnectionPtr> ending_;
    std::vector<std::unique_ptr<ConnectionDriver>> buried_;

    // Draining.
    std::vector<ConnectionPtr> draining_;  // still to be told, from the back
    std::size_t draining_total_ = 0;
    SteadyTime drain_began_{};
    std::chrono::milliseconds drain_spread_{0};
    std::function<void()> drained_;
    bool is_drained_ = false;
};

}  // namespace roomcast

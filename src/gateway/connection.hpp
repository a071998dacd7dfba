// SPDX-License-Identifier: Apache-2.0
// One client's TCP connection on its shard: reading, the outbox, deadlines and the end. What is
// spoken on it, HTTP or WebSocket, is its driver's business.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include "gateway/outbox.hpp"
#include "gateway/timer_wheel.hpp"
#include "gateway/tls.hpp"
#include "model/frame.hpp"
#include "util/clock.hpp"

namespace roomcast {

class ShardLoop;

/// What is spoken on a connection. Owned by it; replaced when HTTP becomes WebSocket.
class ConnectionDriver {
public:
    virtual ~ConnectionDriver() = default;

    /// Takes input; may change it. Gives how much was used. The rest is kept and offered again
    /// after Connection::resume(), and when all that was queued has been sent. At least 64 bytes
    /// behind the span are readable.
    [[nodiscard]] virtual std::size_t on_bytes(std::span<char> bytes) = 0;
    /// The peer has ended its side (TCP FIN); this side may still send.
    virtual void on_peer_end() = 0;
    /// The connection ends: nothing more comes and nothing more can be queued. Called once, by the
    /// loop at the end of a turn, and never from within another call of the driver.
    virtual void on_end() = 0;
    /// A deadline that the driver gave has passed, or an earlier one did. Gives the next.
    [[nodiscard]] virtual SteadyTime on_deadline(SteadyTime now) = 0;
    /// The peer reads too slowly: the outbox passed OUTBOX_BYTES or stood still for too long.
    virtual void on_slow() = 0;
    /// The server is going away: end soon, saying so.
    virtual void on_drain() = 0;
};

/// Lives on one shard's thread. Kept alive by its list entry in the loop and by pending operations.
/// Aligned, so that queueing a frame touches one cache line of it.
class alignas(64) Connection final
    : public boost::intrusive_ref_counter<Connection, boost::thread_unsafe_counter> {
public:
    /// Not `is_client_known`: the peer is a trusted proxy; see belong_to().
    Connection(ShardLoop& loop,
               boost::asio::ip::tcp::socket socket,
               std::string peer_address,
               std::uint16_t peer_port,
               bool is_client_known,
               bool is_operator_listener);
    ~Connection();

    /// From now on the connection is that of the client at `address`, which its request names:
    /// what a trusted proxy says. False: that client has MAX_CONNECTIONS_PER_IP already.
    [[nodiscard]] bool belong_to(const std::string& address);

    /// Begins to read. With `tls`, the client must start a handshake first.
    void start(std::unique_ptr<ConnectionDriver> driver, std::shared_ptr<const TlsContext> tls);
    /// The old driver is destroyed at the end of the loop's turn.
    void replace_driver(std::unique_ptr<ConnectionDriver> driver);

    /// Queues a frame that counts towards OUTBOX_BYTES. Nothing happens once the connection ends.
    void send_live(const LocalFramePtr& frame);
    /// Queues a frame that does not count.
    void send_answer(const LocalFramePtr& frame);
    /// Sends what is queued, then ends this side; whatever still comes is read and ignored until
    /// the peer ends too, or for Limits::close_wait. Nothing can be queued after this.
    void finish();
    /// Drops all frames that wait and are not yet begun.
    void drop_unsent();
    /// Ends at once, at the end of the loop's turn.
    void abort();

    /// False: nothing is read until it is true again.
    void set_reading(bool is_reading);
    /// Offers the bytes that the driver left over again, in this turn of the loop.
    void resume();
    /// on_deadline() is called at `due` or before.
    void wake_at(SteadyTime due);

    [[nodiscard]] bool is_open() const { return state_ == State::open; }

    [[nodiscard]] bool is_operator_listener() const { return is_operator_listener_; }

    [[nodiscard]] const std::string& peer_address() const { return peer_address_; }

    /// "address:port", for logs; behind a trusted proxy, which tells no port, the client's address.
    [[nodiscard]] std::string peer() const;
    [[nodiscard]] std::size_t queued_bytes() const;

    [[nodiscard]] ShardLoop& loop() { return loop_; }

private:
    friend class ShardLoop;  // its list, its end
    friend class Flusher;    // sends the outbox

    enum class State : std::uint8_t {
        open,
        finishing,  // the outbox is being flushed, then this side ends
        finished,   // this side has ended; waits for the peer's end
        dead,       // to be removed at the end of the turn
    };

    [[nodiscard]] static Connection& of_timer(TimerWheel::Node& node);
    void arm_read();
    void on_readable();
    void read_tls();
    /// Gives bytes to the driver and keeps what it leaves.
    void offer(std::span<char> bytes);
    void offer_rest();
    void on_peer_end();
    /// Before so many bytes are queued.
    void expect_to_send(std::size_t bytes);
    void mark_dirty();
    void on_sent(long result, std::size_t asked);
    /// Nothing waits to be sent any more.
    void on_drained();
    void wait_for_writability();
    void on_timer(SteadyTime now);
    void consume(std::size_t bytes);
    /// How long sending may stand still.
    [[nodiscard]] std::chrono::seconds stall_limit() const;

    [[nodiscard]] bool is_sending() const {
        return !outbox_.is_empty() || (tls_ && !tls_->ciphertext().empty());
    }

    // What one delivery touches stands first.
    State state_ = State::open;
    bool is_dirty_ = false;    // in the flusher's list
    bool is_blocked_ = false;  // the kernel's buffer is full: waits for writability
    bool is_slow_ = false;     // told to the driver, or about to be
    ShardLoop& loop_;
    Outbox outbox_;
    SteadyTime last_progress_{};  // of sending
    std::unique_ptr<TlsStream> tls_;
    std::unique_ptr<std::string> stash_;  // input that the driver has not taken yet
    boost::asio::ip::tcp::socket socket_;
    bool is_reading_ = true;
    bool is_read_armed_ = false;
    bool is_resumed_ = false;  // in the loop's list of those to be offered their rest
    bool is_peer_ended_ = false;
    bool is_close_notified_ = false;  // TLS
    bool is_driver_told_ = false;     // of the end
    const bool is_operator_listener_;
    /// False: the peer is a trusted proxy, and no client is known yet.
    bool is_client_known_;
    std::uint16_t peer_port_;                      // 0: unknown
    SteadyTime driver_due_ = SteadyTime::max();    // the driver's next deadline
    SteadyTime finished_due_ = SteadyTime::max();  // until when the peer's end is waited for

    struct Timer : TimerWheel::Node {
        explicit Timer(Connection& the_owner) : owner(the_owner) {}

        Connection& owner;
    };

    Timer timer_{*this};
    std::unique_ptr<ConnectionDriver> driver_;
    std::string peer_address_;
    // The loop's list of all its connections.
    Connection* previous_ = nullptr;
    Connection* next_ = nullptr;
};

using ConnectionPtr = boost::intrusive_ptr<Connection>;

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// One WebSocket connection of the load generator, reader or publisher.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/socket.hpp"
#include "load/event_loop.hpp"
#include "load/inflater.hpp"
#include "load/protocol.hpp"
#include "load/websocket.hpp"
#include "load/wire.hpp"

namespace roomcast::bench {

class Client;

/// What all clients of a run share; outlives them.
struct Target {
    EventLoop& loop;
    const Protocol& protocol;
    std::uint16_t port;
    Inflater* inflater = nullptr;     ///< set: all clients ask for compression, and insist on it
    const TlsContext* tls = nullptr;  ///< set: all clients speak TLS
};

/// What a case wants to know of its clients. `at` is when the bytes had been received.
class ClientEvents {
public:
    virtual ~ClientEvents() = default;
    /// The upgrade is accepted.
    virtual void on_open(Client& client) = 0;
    virtual void on_confirmed(Client& client) = 0;
    virtual void on_message(Client& client, std::string_view message, Nanoseconds at) = 0;
    /// Closed by the server, or given up, for `reason`. Not called after abort().
    virtual void on_closed(Client& client, std::string_view reason) = 0;
};

class Client final : public EventSource, private Incoming {
public:
    /// Connects at once, to ask for `resource` (RFC 6455 §3). `index` is for the case's own use.
    Client(Target target, ClientEvents& events, std::string_view resource, std::uint32_t index);

    [[nodiscard]] std::uint32_t index() const { return index_; }

    [[nodiscard]] bool is_open() const { return state_ == State::open; }

    /// Queues a text frame; flush() hands all queued ones to the kernel in one call.
    void queue_text(std::string_view text) { append_frame(out_, Opcode::text, text); }

    void flush();

    /// From now on nothing is read: the client that has gone to sleep.
    void stall() { is_stalled_ = true; }

    /// Sends a close frame; on_closed follows when the server has answered it.
    void say_goodbye();
    /// Closes with RST and without a word; nothing is called any more. Safe from within
    /// ClientEvents.
    void abort();

    void on_ready(std::uint32_t events) override;

private:
    enum class State : std::uint8_t { connecting, upgrading, open, closed };

    void read_all(bool is_hung_up);
    /// Returns how many of the bytes are used up.
    std::size_t take(std::string_view bytes);
    std::size_t take_upgrade(std::string_view bytes);
    void take_frame(const Frame& frame);
    void take_message(const Frame& frame);
    void fail(std::string_view reason);

    void on_confirmed() override { events_.on_confirmed(*this); }

    void on_message(std::string_view message) override { events_.on_message(*this, message, at_); }

    void on_refused(std::string_view reason) override { fail(reason); }

    EventLoop& loop_;
    ClientEvents& events_;
    const Protocol& protocol_;
    Inflater* inflater_;
    Wire wire_;
    State state_ = State::connecting;
    bool is_stalled_ = false;
    std::uint32_t index_;
    Nanoseconds at_ = 0;
    std::string out_;
    std::string in_;    ///< an incomplete head or frame
    std::string rest_;  ///< the protocol's incomplete message
};

/// A client as above. `events` outlives it.
[[nodiscard]] std::unique_ptr<Client> make_client(Target target,
                                                  ClientEvents& events,
                                                  std::string_view resource,
                                                  std::uint32_t index);

}  // namespace roomcast::bench

// SPDX-License-Identifier: Apache-2.0
// A connection after its upgrade: frames to and from one core session, keep-alive and the close
// handshake (RFC 6455, sections 5.5 and 7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "codec/websocket.hpp"
#include "core/outlet.hpp"
#include "core/session.hpp"
#include "gateway/connection.hpp"
#include "util/clock.hpp"

namespace roomcast {

/// Owned by its connection, whose outbox it fills.
class WebSocketSession final : public ConnectionDriver, private Outlet {
public:
    /// `deflate_window_bits`: those of the window that the client keeps for compressed messages; 0
    /// without permessage-deflate.
    WebSocketSession(Connection& connection,
                     SessionOptions options,
                     std::uint8_t deflate_window_bits);

    [[nodiscard]] std::size_t on_bytes(std::span<char> bytes) override;
    void on_peer_end() override;
    void on_end() override;
    [[nodiscard]] SteadyTime on_deadline(SteadyTime now) override;
    void on_slow() override;
    void on_drain() override;

private:
    void push(const LocalFramePtr& frame) override {
        connection_.send_live(deflate_window_bits_ == 0 ? frame : deflated(frame));
    }

    void push_answer(LocalFramePtr frame) override {
        connection_.send_answer(deflate_window_bits_ == 0 ? frame : deflated(frame));
    }

    [[nodiscard]] const LocalFramePtr& deflated(const LocalFramePtr& frame);

    void close(CloseCode code, std::string_view reason) override;
    void set_reading(bool is_reading) override;

    [[nodiscard]] std::size_t queued_bytes() const override { return connection_.queued_bytes(); }

    void on_event(websocket::NeedMore) {}

    void on_event(const websocket::Message& message);
    void on_event(const websocket::Ping& ping);

    void on_event(websocket::Pong) {}

    void on_event(const websocket::Close& close);
    void on_event(const websocket::Error& error);

    void send_bytes(std::string_view bytes);
    void send_due_pong();

    // What one delivery touches stands first.
    Connection& connection_;
    const std::uint8_t deflate_window_bits_;
    EndReason end_reason_ = EndReason::lost;
    bool is_reading_ = true;
    bool is_pinged_ = false;  // and nothing has come since
    bool is_closing_ = false;
    websocket::Reader reader_;
    SteadyTime last_received_;
    std::unique_ptr<std::string> due_pong_;  // of the last ping that was read in this turn
    Session session_;                        // the last member: it may send from its constructor
};

}  // namespace roomcast

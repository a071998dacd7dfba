// SPDX-License-Identifier: Apache-2.0
#include "gateway/websocket_session.hpp"

#include <utility>
#include <variant>

#include "codec/utf8.hpp"
#include "gateway/shard_loop.hpp"
#include "util/log.hpp"

namespace roomcast {

namespace {

using std::chrono::milliseconds;

}  // namespace

WebSocketSession::WebSocketSession(Connection& connection,
                                   SessionOptions options,
                                   std::uint8_t deflate_window_bits)
    : connection_(connection),
      deflate_window_bits_(deflate_window_bits),
      reader_(deflate_window_bits == 0 ? connection.loop().reader_limits()
                                       : connection.loop().deflate_reader_limits()),
      last_received_(connection.loop().now()),
      session_(connection.loop().shard(), *this, std::move(options)) {}

// What comes in.

std::size_t WebSocketSession::on_bytes(std::span<char> bytes) {
    last_received_ = connection_.loop().now();
    is_pinged_ = false;
    std::span<char> input = bytes;
    while (is_reading_ && connection_.is_open()) {
        const websocket::Event event = reader_.next(input);
        std::visit([this](const auto& one) { on_event(one); }, event);
        if (std::holds_alternative<websocket::NeedMore>(event)) break;
    }
    send_due_pong();
    return bytes.size() - input.size();
}

void WebSocketSession::on_event(const websocket::Message& message) {
    if (!message.is_text) {
        // Clients of the base protocol may send JSON in binary frames (docs/protocol.md, section
        // 2).
        if (session_.is_versioned()) {
            return close(CloseCode::unsupported_data, "messages are text frames");
        }
        if (!is_valid_utf8(message.payload)) {
            return close(CloseCode::invalid_payload, "messages are UTF-8");
        }
    }
    session_.on_text(message.payload);
}

void WebSocketSession::on_event(const websocket::Ping& ping) {
    // Only the last of several is answered (RFC 6455, section 5.5.3): a flood of pings costs the
    // sender more than us.
    due_pong_ = std::make_unique<std::string>(ping.payload);
}

void WebSocketSession::on_event(const websocket::Close& peer_close) {
    end_reason_ = EndReason::closed_by_client;
    is_closing_ = true;
    send_bytes(peer_close.code ? websocket::encode_close(*peer_close.code, {})
                               : websocket::encode_close());
    connection_.finish();
}

void WebSocketSession::on_event(const websocket::Error& error) {
    connection_.loop().metrics().protocol_errors.add();
    close(static_cast<CloseCode>(error.code), error.text);
}

// What goes out.

const LocalFramePtr& WebSocketSession::deflated(const LocalFramePtr& frame) {
    return connection_.loop().frame_deflater().choose(frame, deflate_window_bits_);
}

void WebSocketSession::send_bytes(std::string_view bytes) {
    connection_.send_answer(make_local(FramePtr(Frame::make({}, bytes))));
}

void WebSocketSession::send_due_pong() {
    const auto payload = std::move(due_pong_);
    if (!payload) return;
    // Counted towards the outbox, or a client that pings and does not read could fill memory.
    connection_.send_live(make_local(FramePtr(Frame::make({}, websocket::encode_pong(*payload)))));
}

void WebSocketSession::close(CloseCode code, std::string_view reason) {
    if (std::exchange(is_closing_, true)) return;
    if (code == CloseCode::disconnected_by_api) end_reason_ = EndReason::closed_by_api;
    log::debug("closing a connection",
               {{"peer", connection_.peer()},
                {"code", static_cast<std::uint16_t>(code)},
                {"reason", reason}});
    send_due_pong();
    send_bytes(websocket::encode_close(static_cast<std::uint16_t>(code), reason));
    connection_.finish();
}

void WebSocketSession::set_reading(bool is_reading) {
    is_reading_ = is_reading;
    connection_.set_reading(is_reading);
}

// How it ends.

void WebSocketSession::on_peer_end() {
    connection_.abort();
}

void WebSocketSession::on_end() {
    session_.end(end_reason_);
}

SteadyTime WebSocketSession::on_deadline(SteadyTime now) {
    const Limits& limits = connection_.loop().limits();
    const auto silent = now - last_received_;
    if (silent >= limits.ping + limits.pong) {
        log::debug("a connection fell silent", {{"peer", connection_.peer()}});
        connection_.abort();
        return SteadyTime::max();
    }
    // A ping goes out after three to four quarters of the interval: connections that were opened
    // together must not be pinged together.
    const milliseconds interval = limits.ping;
    if (silent >= interval * 3 / 4 && !std::exchange(is_pinged_, true)) {
        send_bytes(websocket::encode_ping({}));
    }
    if (is_pinged_) return last_received_ + limits.ping + limits.pong;
    return last_received_ + interval - connection_.loop().jitter(interval / 4);
}

void WebSocketSession::on_slow() {
    connection_.loop().metrics().slow_consumers.add();
    static log::RateLimit limit(5, std::chrono::seconds(10));
    if (const auto suppressed = limit.admit(connection_.loop().now())) {
        log::warn("closing a slow consumer",
                  {{"peer", connection_.peer()},
                   {"user", session_.user_id()},
                   {"queued_bytes", connection_.queued_bytes()},
                   {"suppressed", *suppressed}});
    }
    connection_.drop_unsent();
    close(CloseCode::slow_consumer, "slow consumer");
}

void WebSocketSession::on_drain() {
    close(CloseCode::service_restart, "the server restarts: reconnect");
}

}  // namespace roomcast

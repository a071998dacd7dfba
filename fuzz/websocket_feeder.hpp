// SPDX-License-Identifier: Apache-2.0
// A WebSocket reader as the fuzz targets feed it, and what must hold of its events.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/utf8.hpp"
#include "codec/websocket.hpp"
#include "fuzz/feed_both.hpp"
#include "fuzz/require.hpp"

namespace roomcast::fuzz {

inline std::string describe(const websocket::Event& event, std::size_t message_bytes) {
    if (const auto* message = std::get_if<websocket::Message>(&event)) {
        REQUIRE(message->payload.size() <= message_bytes);
        REQUIRE(!message->is_text || is_valid_utf8(message->payload));
        // Reading the padding: AddressSanitizer objects if it is not there.
        std::string padded(message->payload.data(),
                           message->payload.size() + websocket::kMessagePadding);
        return (message->is_text ? "text " : "binary ") + padded.substr(0, message->payload.size());
    }
    if (const auto* ping = std::get_if<websocket::Ping>(&event)) {
        REQUIRE(ping->payload.size() <= 125);
        return "ping " + std::string(ping->payload);
    }
    if (const auto* close = std::get_if<websocket::Close>(&event)) {
        REQUIRE(is_valid_utf8(close->reason));
        return "close " + std::to_string(close->code.value_or(0)) + std::string(close->reason);
    }
    if (const auto* error = std::get_if<websocket::Error>(&event)) {
        return "error " + std::to_string(error->code) + std::string(error->text);
    }
    return "pong";
}

class WebSocketFeeder {
public:
    /// `limits` outlives the feeder.
    explicit WebSocketFeeder(const websocket::ReaderLimits& limits)
        : limits_(limits),
          reader_(limits) {}

    void feed(std::string_view piece) {
        const auto buffer = std::make_unique<char[]>(piece.size() + websocket::kMessagePadding);
        std::copy(piece.begin(), piece.end(), buffer.get());
        std::span<char> input(buffer.get(), piece.size());
        while (true) {
            const websocket::Event event = reader_.next(input);
            if (std::holds_alternative<websocket::NeedMore>(event)) break;
            events_.push_back(describe(event, limits_.message_bytes));
        }
        REQUIRE(input.empty());
    }

    [[nodiscard]] const std::vector<std::string>& events() const { return events_; }

    [[nodiscard]] bool is_idle() const { return reader_.is_idle(); }

private:
    const websocket::ReaderLimits& limits_;
    websocket::Reader reader_;
    std::vector<std::string> events_;
};

/// Feeds a client's bytes in one piece and in many: the events must be the same. `Feeder` is a
/// WebSocketFeeder with its limits.
template <class Feeder>
void compare_pieces(const std::uint8_t* data, std::size_t size) {
    feed_both<Feeder>(data, size, [](const Feeder& at_once, const Feeder& in_pieces) {
        REQUIRE(at_once.events() == in_pieces.events());
        REQUIRE(at_once.is_idle() == in_pieces.is_idle());
    });
}

}  // namespace roomcast::fuzz

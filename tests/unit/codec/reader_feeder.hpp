// SPDX-License-Identifier: Apache-2.0
// A reader as tests feed it: its events as texts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "codec/websocket.hpp"

namespace roomcast::websocket {

inline constexpr ReaderLimits kLimits{.message_bytes = 70'000, .fragments = 5};

/// Long payloads by their length, so that a failing test can be read.
inline std::string shown(std::string_view payload) {
    return payload.size() <= 130 ? std::string(payload) : std::to_string(payload.size()) + " bytes";
}

inline std::string describe(const Event& event) {
    if (const auto* message = std::get_if<Message>(&event)) {
        return (message->is_text ? "text " : "binary ") + shown(message->payload);
    }
    if (const auto* ping = std::get_if<Ping>(&event)) return "ping " + shown(ping->payload);
    if (std::holds_alternative<Pong>(event)) return "pong";
    if (const auto* close = std::get_if<Close>(&event)) {
        if (!close->code) return "close";
        return "close " + std::to_string(*close->code) + ' ' + std::string(close->reason);
    }
    if (const auto* error = std::get_if<Error>(&event)) {
        return "error " + std::to_string(error->code);
    }
    return "need more";
}

/// Feeds a reader from buffers that end exactly where the reader may read to.
class Feeder {
public:
    explicit Feeder(const ReaderLimits& limits) : reader_(limits) {}

    explicit Feeder(const ReaderLimits&&) = delete;

    void feed(std::string_view piece) {
        const auto buffer = std::make_unique<char[]>(piece.size() + kMessagePadding);
        std::copy(piece.begin(), piece.end(), buffer.get());
        std::fill_n(buffer.get() + piece.size(), kMessagePadding, '\xa5');
        std::span<char> input(buffer.get(), piece.size());
        while (true) {
            const Event event = reader_.next(input);
            if (std::holds_alternative<NeedMore>(event)) break;
            events_.push_back(describe(event));
            if (const auto* message = std::get_if<Message>(&event)) touch_padding(*message);
        }
        EXPECT_TRUE(input.empty());
    }

    [[nodiscard]] const std::vector<std::string>& events() const { return events_; }

    [[nodiscard]] bool is_idle() const { return reader_.is_idle(); }

private:
    /// Under AddressSanitizer this fails where padding is missing.
    static void touch_padding(const Message& message) {
        for (std::size_t i = 0; i < kMessagePadding; ++i) {
            const volatile char byte = message.payload.data()[message.payload.size() + i];
            (void)byte;
        }
    }

    Reader reader_;
    std::vector<std::string> events_;
};

}  // namespace roomcast::websocket

// SPDX-License-Identifier: Apache-2.0
// A client's bytes in one piece and in many: the events must be the same. The first four bytes of
// the input are the sizes of the pieces, in turn.
#include "codec/websocket.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "codec/utf8.hpp"
#include "fuzz/feed_both.hpp"
#include "fuzz/require.hpp"

namespace {

using namespace roomcast;

constexpr websocket::ReaderLimits kLimits{.message_bytes = 300, .fragments = 6};

std::string describe(const websocket::Event& event) {
    if (const auto* message = std::get_if<websocket::Message>(&event)) {
        REQUIRE(message->payload.size() <= kLimits.message_bytes);
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

class Feeder {
public:
    void feed(std::string_view piece) {
        const auto buffer = std::make_unique<char[]>(piece.size() + websocket::kMessagePadding);
        std::copy(piece.begin(), piece.end(), buffer.get());
        std::span<char> input(buffer.get(), piece.size());
        while (true) {
            const websocket::Event event = reader_.next(input);
            if (std::holds_alternative<websocket::NeedMore>(event)) break;
            events_.push_back(describe(event));
        }
        REQUIRE(input.empty());
    }

    [[nodiscard]] const std::vector<std::string>& events() const { return events_; }

    [[nodiscard]] bool is_idle() const { return reader_.is_idle(); }

private:
    websocket::Reader reader_{kLimits};
    std::vector<std::string> events_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    roomcast::fuzz::feed_both<Feeder>(
        data, size, [](const Feeder& at_once, const Feeder& in_pieces) {
            REQUIRE(at_once.events() == in_pieces.events());
            REQUIRE(at_once.is_idle() == in_pieces.is_idle());
        });
    return 0;
}

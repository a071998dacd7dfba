// SPDX-License-Identifier: Apache-2.0
// Frames of a server (RFC 6455 section 5.2): never masked, never fragmented.
#include "codec/websocket.hpp"
#include "util/assert.hpp"

namespace roomcast::websocket {

namespace {

constexpr std::size_t kControlPayloadBytes = 125;
constexpr std::size_t kCloseReasonBytes = kControlPayloadBytes - 2;

void append_big_endian(std::string& out, std::uint16_t value) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value & 0xff);
}

std::string encode_control(Opcode opcode, std::string_view payload) {
    ASSERT(payload.size() <= kControlPayloadBytes);
    std::string frame(encode_header(opcode, payload.size()).bytes());
    frame += payload;
    return frame;
}

/// The longest beginning of `text` that fits in `bytes` and does not cut a character.
std::string_view cut_between_characters(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    const auto is_continuation = [&](std::size_t at) { return (text[at] & 0xc0) == 0x80; };
    while (bytes > 0 && is_continuation(bytes))
        --bytes;
    return text.substr(0, bytes);
}

}  // namespace

FrameHeader::FrameHeader(Opcode opcode, std::size_t payload_size, Form form) {
    constexpr std::uint8_t kFinal = 0x80;
    constexpr std::uint8_t kDeflated = 0x40;
    const std::uint8_t bits = kFinal | (form == Form::deflated ? kDeflated : 0);
    std::size_t length_bytes = 0;  // behind the second byte
    std::uint8_t second = static_cast<std::uint8_t>(payload_size);
    if (payload_size > 0xffff) {
        second = 127;
        length_bytes = 8;
    } else if (payload_size > 125) {
        second = 126;
        length_bytes = 2;
    }
    bytes_[0] = static_cast<char>(bits | static_cast<std::uint8_t>(opcode));
    bytes_[1] = static_cast<char>(second);
    std::uint64_t rest = payload_size;
    for (std::size_t i = length_bytes; i > 0; --i, rest >>= 8) {
        bytes_[1 + i] = static_cast<char>(rest & 0xff);
    }
    size_ = static_cast<std::uint8_t>(2 + length_bytes);
}

FrameHeader encode_header(Opcode opcode, std::size_t payload_size, Form form) {
    return FrameHeader(opcode, payload_size, form);
}

std::string encode_close(std::uint16_t code, std::string_view reason) {
    std::string payload;
    append_big_endian(payload, code);
    payload += cut_between_characters(reason, kCloseReasonBytes);
    return encode_control(Opcode::close, payload);
}

std::string encode_close() {
    return encode_control(Opcode::close, {});
}

std::string encode_ping(std::string_view payload) {
    return encode_control(Opcode::ping, payload);
}

std::string encode_pong(std::string_view payload) {
    return encode_control(Opcode::pong, payload);
}

}  // namespace roomcast::websocket

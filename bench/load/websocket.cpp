// SPDX-License-Identifier: Apache-2.0
#include "load/websocket.hpp"

#include <array>
#include <cstring>

namespace roomcast::bench {

namespace {

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A mask has to differ from frame to frame; nobody here needs it to be hard to guess.
std::uint32_t next_mask() {
    static std::uint32_t state = 0x9e3779b9;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

void apply_mask(char* bytes, std::size_t size, std::uint32_t mask) {
    const std::uint64_t wide = static_cast<std::uint64_t>(mask) << 32 | mask;
    std::size_t at = 0;
    for (; at + sizeof wide <= size; at += sizeof wide) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + at, sizeof word);
        word ^= wide;
        std::memcpy(bytes + at, &word, sizeof word);
    }
    std::array<char, sizeof mask> key{};
    std::memcpy(key.data(), &mask, sizeof mask);
    for (; at < size; ++at)
        bytes[at] = static_cast<char>(bytes[at] ^ key[at % key.size()]);
}

void append_big_endian(std::string& out, std::uint64_t value, unsigned bytes) {
    while (bytes-- > 0)
        out += static_cast<char>(value >> (8 * bytes) & 0xff);
}

}  // namespace

std::string upgrade_request(std::string_view resource, bool is_deflating) {
    std::string request = "GET ";
    request.append(resource);
    request += " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    request += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ";
    request.append(kKey);
    if (is_deflating) request += "\r\nSec-WebSocket-Extensions: permessage-deflate";
    request += "\r\n\r\n";
    return request;
}

bool is_upgrade_accepted(std::string_view head) {
    return head.starts_with("HTTP/1.1 101 ") && head.find(kAccept) != std::string_view::npos;
}

bool is_deflate_accepted(std::string_view head) {
    return head.find("permessage-deflate; server_no_context_takeover") != std::string_view::npos;
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload) {
    constexpr unsigned kMasked = 0x80;
    out += static_cast<char>(0x80u | static_cast<unsigned>(opcode));
    if (payload.size() < 126) {
        out += static_cast<char>(kMasked | payload.size());
    } else if (payload.size() <= 0xffff) {
        out += static_cast<char>(kMasked | 126u);
        append_big_endian(out, payload.size(), 2);
    } else {
        out += static_cast<char>(kMasked | 127u);
        append_big_endian(out, payload.size(), 8);
    }
    const std::uint32_t mask = next_mask();
    std::array<char, sizeof mask> key{};
    std::memcpy(key.data(), &mask, sizeof mask);
    out.append(key.data(), key.size());
    const std::size_t start = out.size();
    out.append(payload);
    apply_mask(out.data() + start, payload.size(), mask);
}

FrameResult read_frame(std::string_view bytes, Frame& frame) {
    if (bytes.size() < 2) return FrameResult::incomplete;
    const auto byte = [&](std::size_t at) {
        return static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at]));
    };
    constexpr std::uint64_t kDeflated = 0x40;
    const std::uint64_t opcode = byte(0) & (0x7f - kDeflated);  // others make it an unknown one
    const bool is_known = opcode == 1 || opcode == 2 || (opcode >= 8 && opcode <= 10);
    if (!(byte(0) & 0x80) || !is_known || (byte(1) & 0x80)) return FrameResult::broken;

    std::uint64_t size = byte(1);
    std::size_t header = 2;
    if (size >= 126) {
        const std::size_t length_bytes = size == 126 ? 2 : 8;
        header += length_bytes;
        if (bytes.size() < header) return FrameResult::incomplete;
        size = 0;
        for (std::size_t at = 2; at < header; ++at)
            size = size << 8 | byte(at);
        if (size > 1u << 28) return FrameResult::broken;
    }
    if (bytes.size() - header < size) return FrameResult::incomplete;
    frame.opcode = static_cast<Opcode>(opcode);
    frame.is_deflated = (byte(0) & kDeflated) != 0;
    frame.payload = bytes.substr(header, size);
    frame.frame_bytes = header + size;
    return FrameResult::complete;
}

}  // namespace roomcast::bench

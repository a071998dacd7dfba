// SPDX-License-Identifier: Apache-2.0
// Frames as a client sends them, wrong ones included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace roomcast::websocket {

/// How a frame differs from a proper one.
struct FrameShape {
    bool is_final = true;
    std::uint8_t reserved_bits = 0;  // as in the first byte: 0x40, 0x20, 0x10
    bool is_masked = true;
    int length_bytes = -1;                        // of the extended length; -1: the shortest form
    std::uint64_t announced_length = UINT64_MAX;  // UINT64_MAX: the payload's
};

inline std::string client_frame(std::uint8_t opcode,
                                std::string_view payload,
                                FrameShape shape = {}) {
    const std::uint64_t length =
        shape.announced_length == UINT64_MAX ? payload.size() : shape.announced_length;
    const int shortest = length > 0xffff ? 8 : length > 125 ? 2 : 0;
    const int length_bytes = shape.length_bytes < 0 ? shortest : shape.length_bytes;
    const std::uint8_t mask_bit = shape.is_masked ? 0x80 : 0;
    const auto second = length_bytes == 8   ? std::uint64_t{127}
                        : length_bytes == 2 ? std::uint64_t{126}
                                            : length;

    std::string frame;
    frame += static_cast<char>((shape.is_final ? 0x80 : 0) | shape.reserved_bits | opcode);
    frame += static_cast<char>(mask_bit | second);
    for (int i = length_bytes - 1; i >= 0; --i) {
        frame += static_cast<char>((length >> (8 * i)) & 0xff);
    }
    const std::string_view mask = "\x37\xfa\x21\x3d";  // of the RFC's examples
    if (shape.is_masked) frame += mask;
    for (std::size_t i = 0; i < payload.size(); ++i) {
        frame += shape.is_masked ? static_cast<char>(payload[i] ^ mask[i % 4]) : payload[i];
    }
    return frame;
}

}  // namespace roomcast::websocket

// SPDX-License-Identifier: Apache-2.0
// Where a Cluster keeps a key.
#include <array>
#include <string>

#include "redis/client.hpp"

namespace roomcast::redis {

namespace {

constexpr std::uint16_t kPolynomial = 0x1021;
constexpr std::uint16_t kSlots = 16'384;

/// CRC-16/XMODEM of each byte: the variant that the Cluster specification names.
constexpr std::array<std::uint16_t, 256> make_crc_table() {
    std::array<std::uint16_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        std::uint32_t crc = byte << 8;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? kPolynomial : 0U);
        }
        table[byte] = static_cast<std::uint16_t>(crc);
    }
    return table;
}

constexpr std::array<std::uint16_t, 256> kCrcTable = make_crc_table();

}  // namespace

std::string_view hashed_part(std::string_view key) {
    const std::size_t open = key.find('{');
    if (open == std::string_view::npos) return key;
    const std::size_t close = key.find('}', open + 1);
    if (close == std::string_view::npos || close == open + 1) return key;
    return key.substr(open + 1, close - open - 1);
}

std::uint16_t key_slot(std::string_view key) {
    std::uint32_t crc = 0;
    for (const char byte : hashed_part(key)) {
        crc = ((crc << 8) & 0xffff) ^ kCrcTable[(crc >> 8) ^ static_cast<std::uint8_t>(byte)];
    }
    return static_cast<std::uint16_t>(crc % kSlots);
}

std::string slot_tag(std::string_view key) {
    const std::string_view part = hashed_part(key);
    if (part.find('}') == std::string_view::npos) return std::string(part);
    const std::uint16_t slot = key_slot(key);
    for (std::uint64_t number = 0;; ++number) {
        std::string tag = std::to_string(number);
        if (key_slot(tag) == slot) return tag;
    }
}

}  // namespace roomcast::redis

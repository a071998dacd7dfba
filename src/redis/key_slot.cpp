// SPDX-License-Identifier: Apache-2.0
// Where a Cluster keeps a key.
#include <array>
#include <cstddef>
#include <cstdint>
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

/// For each slot the smallest number whose text lies in it. The same on all nodes.
std::array<std::uint32_t, kSlots> make_slot_numbers() {
    std::array<std::uint32_t, kSlots> numbers{};
    std::size_t missing = numbers.size();
    for (std::uint32_t number = 1; missing > 0; ++number) {
        std::uint32_t& first = numbers[key_slot(std::to_string(number))];
        if (first != 0) continue;
        first = number;
        --missing;
    }
    return numbers;
}

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
    static const std::array<std::uint32_t, kSlots> kNumbers = make_slot_numbers();
    return std::to_string(kNumbers[key_slot(key)]);
}

}  // namespace roomcast::redis

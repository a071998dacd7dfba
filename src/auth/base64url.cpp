// SPDX-License-Identifier: Apache-2.0
#include "auth/base64url.hpp"

#include <array>
#include <cstdint>

namespace roomcast {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> make_digits() {
    std::array<std::uint8_t, 256> digits{};
    for (std::uint8_t& digit : digits)
        digit = kNoDigit;
    for (std::size_t value = 0; value < kAlphabet.size(); ++value) {
        digits[static_cast<unsigned char>(kAlphabet[value])] = static_cast<std::uint8_t>(value);
    }
    return digits;
}

constexpr std::array<std::uint8_t, 256> kDigits = make_digits();

}  // namespace

std::optional<std::string> decode_base64url(std::string_view text) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    int bit_count = 0;
    for (const char character : text) {
        const std::uint8_t digit = kDigits[static_cast<unsigned char>(character)];
        if (digit == kNoDigit) return std::nullopt;
        bits = (bits << 6) | digit;
        bit_count += 6;
        if (bit_count < 8) continue;
        bit_count -= 8;
        bytes.push_back(static_cast<char>((bits >> bit_count) & 0xff));
        bits &= (1U << bit_count) - 1;
    }
    if (bits != 0) return std::nullopt;
    return bytes;
}

std::string encode_base64url(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t bits = 0;
    int bit_count = 0;
    for (const char byte : bytes) {
        bits = (bits << 8) | static_cast<unsigned char>(byte);
        bit_count += 8;
        while (bit_count >= 6) {
            bit_count -= 6;
            text.push_back(kAlphabet[(bits >> bit_count) & 0x3f]);
        }
        bits &= (1U << bit_count) - 1;
    }
    if (bit_count > 0) text.push_back(kAlphabet[(bits << (6 - bit_count)) & 0x3f]);
    return text;
}

}  // namespace roomcast

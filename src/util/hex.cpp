// SPDX-License-Identifier: Apache-2.0
#include "util/hex.hpp"

#include <charconv>
#include <cstddef>

namespace roomcast {

namespace {

constexpr std::size_t kDigits = 16;

}  // namespace

std::string to_hex(std::uint64_t value) {
    static constexpr char kAlphabet[] = "0123456789abcdef";
    std::string text(kDigits, '0');
    for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value >>= 4) {
        *digit = kAlphabet[value & 0xf];
    }
    return text;
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
    if (text.size() != kDigits) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace roomcast

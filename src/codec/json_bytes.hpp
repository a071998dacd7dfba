// SPDX-License-Identifier: Apache-2.0
// Eight bytes of JSON text at a time, in plain C++ ("SIMD within a register"): most of a document
// is the inside of strings, where nothing but the end matters.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace roomcast::json {

/// Eight bytes of text, the first of them in the lowest bits. Its tests give a word with the top
/// bit set in the bytes that pass. Borrows can set bits above the first such byte but never below
/// it, so only the first is certain.
class EightBytes {
public:
    explicit EightBytes(const char* text) {
        std::memcpy(&word_, text, sizeof word_);
        if constexpr (std::endian::native == std::endian::big) word_ = __builtin_bswap64(word_);
    }

    [[nodiscard]] std::uint64_t equal_to(char character) const {
        return zeros(word_ ^ repeat(character));
    }

    /// Like equal_to(), for a letter or bracket in either case: `{` and `[`, `}` and `]`.
    [[nodiscard]] std::uint64_t equal_in_lower_case(char character) const {
        return zeros((word_ | repeat(0x20)) ^ repeat(character));
    }

    /// Control characters: bytes below 0x20.
    [[nodiscard]] std::uint64_t controls() const {
        return (word_ - repeat(0x20)) & ~word_ & kTopBits;
    }

    /// Bytes of characters beyond ASCII. All bits are certain.
    [[nodiscard]] std::uint64_t beyond_ascii() const { return word_ & kTopBits; }

    /// The place of the first byte that passed; `passed` is not zero.
    [[nodiscard]] static int first(std::uint64_t passed) { return std::countr_zero(passed) / 8; }

private:
    static constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
    static constexpr std::uint64_t kTopBits = kOnes << 7;

    [[nodiscard]] static constexpr std::uint64_t repeat(char character) {
        return kOnes * static_cast<unsigned char>(character);
    }

    [[nodiscard]] static constexpr std::uint64_t zeros(std::uint64_t word) {
        return (word - kOnes) & ~word & kTopBits;
    }

    std::uint64_t word_;
};

}  // namespace roomcast::json

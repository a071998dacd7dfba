// SPDX-License-Identifier: Apache-2.0
// Both UTF-8 checks against a slow one that reasons about code points instead of bytes.
#include "codec/utf8.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/require.hpp"

namespace {

/// Whether a code point that a sequence of `length` bytes may encode lies in [lowest, highest].
bool can_encode(std::size_t length, std::uint32_t lowest, std::uint32_t highest) {
    static constexpr std::uint32_t kFirst[] = {0, 0, 0x80, 0x800, 0x10000};
    static constexpr std::uint32_t kLast[] = {0, 0x7f, 0x7ff, 0xffff, 0x10ffff};
    lowest = std::max(lowest, kFirst[length]);
    highest = std::min(highest, kLast[length]);
    const bool is_all_surrogates = lowest >= 0xd800 && highest <= 0xdfff;
    return lowest <= highest && !is_all_surrogates;
}

std::size_t sequence_length(std::uint8_t first) {
    if (first < 0x80) return 1;
    if (first >= 0xc0 && first < 0xe0) return 2;
    if (first >= 0xe0 && first < 0xf0) return 3;
    return first >= 0xf0 && first < 0xf8 ? 4 : 0;
}

struct Verdict {
    std::size_t offending;  // the first byte behind which nothing can help; the size if none
    bool is_complete;
};

Verdict judge(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const auto first = static_cast<std::uint8_t>(text[at]);
        const std::size_t length = sequence_length(first);
        if (length == 0) return {at, false};
        std::uint32_t bits = length == 1 ? first : first & (0x7fU >> length);
        for (std::size_t i = 0; i < length; ++i) {
            if (at + i == text.size()) return {text.size(), false};
            const auto byte = static_cast<std::uint8_t>(text[at + i]);
            if (i > 0) {
                if ((byte & 0xc0) != 0x80) return {at + i, false};
                bits = (bits << 6) | (byte & 0x3f);
            }
            const std::size_t open_bits = 6 * (length - 1 - i);
            const std::uint32_t lowest = bits << open_bits;
            const std::uint32_t highest = lowest | ((1U << open_bits) - 1);
            if (!can_encode(length, lowest, highest)) return {at + i, false};
        }
        at += length;
    }
    return {text.size(), true};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece = 1 + data[0] % 80;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Verdict verdict = judge(text);
    const bool is_valid = verdict.offending == text.size() && verdict.is_complete;
    REQUIRE(roomcast::is_valid_utf8(text) == is_valid);

    roomcast::Utf8Validator validator;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        const std::string_view chunk = text.substr(at, piece);
        const bool holds_offending = verdict.offending < at + chunk.size();
        REQUIRE(validator.consume(chunk) != holds_offending);
        if (holds_offending) return 0;
    }
    REQUIRE(validator.is_complete() == verdict.is_complete);
    return 0;
}

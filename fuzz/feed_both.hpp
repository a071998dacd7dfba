// SPDX-License-Identifier: Apache-2.0
// For readers that take bytes in any pieces: what comes out must not depend on the cuts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace roomcast::fuzz {

/// Feeds the same bytes to two new feeders, to one of them in pieces whose sizes the first bytes of
/// the input say, and calls `compare(at_once, in_pieces)`.
template <class Feeder, class Compare>
void feed_both(const std::uint8_t* data, std::size_t size, Compare compare) {
    constexpr std::size_t kPieces = 4;
    if (size < kPieces) return;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + kPieces, size - kPieces);

    Feeder at_once;
    at_once.feed(bytes);
    Feeder in_pieces;
    std::size_t at = 0;
    for (std::size_t i = 0; at < bytes.size(); ++i) {
        const std::string_view piece = bytes.substr(at, 1 + data[i % kPieces] % 100);
        in_pieces.feed(piece);
        at += piece.size();
    }
    compare(at_once, in_pieces);
}

}  // namespace roomcast::fuzz

// SPDX-License-Identifier: Apache-2.0
// A keyed hash for names that clients choose, so that nobody can aim collisions at our tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace roomcast {

struct HashKey {
    std::uint64_t first;
    std::uint64_t second;
};

/// SipHash-1-3 of `text` (Aumasson and Bernstein, "SipHash: a fast short-input PRF").
[[nodiscard]] std::uint64_t sip_hash(HashKey key, std::string_view text);

/// sip_hash() under a key that is drawn once per process: equal within a process, and never to be
/// stored or sent.
[[nodiscard]] std::uint64_t seeded_hash(std::string_view text);

/// For unordered containers keyed by std::string; looks up std::string_view without a copy.
struct SeededStringHash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const { return seeded_hash(text); }
};

}  // namespace roomcast

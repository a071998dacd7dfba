// SPDX-License-Identifier: Apache-2.0
// Latencies in buckets whose width is at most 1/64 of their value.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "common/socket.hpp"

namespace roomcast::bench {

class Histogram {
public:
    /// Negative values count as 0.
    void record(Nanoseconds value) {
        ++buckets_[bucket_of(value < 0 ? 0 : static_cast<std::uint64_t>(value))];
        ++count_;
    }

    void clear() { *this = Histogram(); }

    /// The value below which the given share (0 to 1) lies, at the bucket's upper end; 0 when
    /// empty.
    [[nodiscard]] Nanoseconds quantile(double share) const;

    [[nodiscard]] std::uint64_t count() const { return count_; }

private:
    static constexpr unsigned kSubBits = 6;
    static constexpr std::uint64_t kSub = 1u << kSubBits;

    static std::size_t bucket_of(std::uint64_t value) {
        if (value < kSub) return value;
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
        return (shift + 1) * kSub + ((value >> shift) - kSub);
    }

    static std::uint64_t upper_end(std::size_t bucket);

    std::array<std::uint64_t, (64 - kSubBits + 1) * kSub> buckets_{};
    std::uint64_t count_ = 0;
};

}  // namespace roomcast::bench

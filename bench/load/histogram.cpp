// SPDX-License-Identifier: Apache-2.0
#include "load/histogram.hpp"

#include <cmath>
#include <cstddef>

namespace roomcast::bench {

std::uint64_t Histogram::upper_end(std::size_t bucket) {
    if (bucket < kSub) return bucket;
    const std::size_t shift = bucket / kSub - 1;
    return ((bucket % kSub + kSub + 1) << shift) - 1;
}

Nanoseconds Histogram::quantile(double share) const {
    const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
        seen += buckets_[bucket];
        if (seen >= rank && seen > 0) return static_cast<Nanoseconds>(upper_end(bucket));
    }
    return 0;
}

}  // namespace roomcast::bench

// SPDX-License-Identifier: Apache-2.0
#include "net/backoff.hpp"

#include <algorithm>

namespace roomcast::net {

std::chrono::milliseconds Backoff::next(bool is_configuration) {
    // xorshift64: jitter needs no better one, and random_u64() is a system call.
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    const std::chrono::milliseconds most = is_configuration ? kConfiguration : current_;
    if (!is_configuration) current_ = std::min(longest_, current_ * 3 / 2);
    const auto half = static_cast<std::uint64_t>(most.count() / 2);
    return std::chrono::milliseconds(half + random_ % (half + 1));
}

}  // namespace roomcast::net

// SPDX-License-Identifier: Apache-2.0
// How often one client may do something: a token bucket of 16 bytes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "util/clock.hpp"

namespace roomcast {

/// A token bucket that starts full, and remembers since when it is asked for more than it has.
/// Times are kept as 32-bit milliseconds, which wrap after 49 days: then a bucket fills a little
/// late.
class RateLimiter {
public:
    struct Rate {
        std::uint32_t per_second;  // 0: no limit
        std::uint32_t burst;
    };

    RateLimiter(Rate rate, SteadyTime now)
        : filled_at_(milliseconds(now)),
          thousandths_(full(rate)) {}

    /// Takes one token. False: there is none, and the streak of refusals goes on.
    [[nodiscard]] bool try_take(Rate rate, SteadyTime now) {
        if (rate.per_second == 0) return true;
        fill(rate, milliseconds(now));
        if (thousandths_ >= 1000) {
            thousandths_ -= 1000;
            return true;
        }
        const std::uint32_t at = std::max(milliseconds(now), 1U);  // 0 is "never"
        if (refused_at_ == 0 || at - refused_at_ > kStreakPauseMs) over_since_ = at;
        refused_at_ = at;
        return false;
    }

    /// Whether it is as a new one.
    [[nodiscard]] bool is_full(Rate rate, SteadyTime now) const {
        return filled(rate, milliseconds(now)) == full(rate);
    }

    /// When the next token is there, counted from the last try_take().
    [[nodiscard]] std::chrono::milliseconds wait(Rate rate) const {
        if (rate.per_second == 0 || thousandths_ >= 1000) return std::chrono::milliseconds(0);
        return std::chrono::milliseconds((1000 - thousandths_ + rate.per_second - 1) /
                                         rate.per_second);
    }

    /// For how long tokens have been refused without a pause of a second.
    [[nodiscard]] std::chrono::milliseconds streak() const {
        return std::chrono::milliseconds(refused_at_ - over_since_);
    }

private:
    static constexpr std::uint32_t kStreakPauseMs = 1000;

    static std::uint32_t milliseconds(SteadyTime time) {
        return static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
    }

    static std::uint32_t full(Rate rate) {
        return static_cast<std::uint32_t>(
            std::min<std::uint64_t>(std::uint64_t{rate.burst} * 1000, UINT32_MAX));
    }

    [[nodiscard]] std::uint32_t filled(Rate rate, std::uint32_t at) const {
        const std::uint64_t tokens =
            thousandths_ + std::uint64_t{at - filled_at_} * rate.per_second;
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(tokens, full(rate)));
    }

    void fill(Rate rate, std::uint32_t at) {
        thousandths_ = filled(rate, at);
        filled_at_ = at;
    }

    std::uint32_t filled_at_;
    std::uint32_t thousandths_;  // of a token
    std::uint32_t over_since_ = 0;
    std::uint32_t refused_at_ = 0;  // the last time; 0: never
};

static_assert(sizeof(RateLimiter) == 16);

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next attempt to connect.
#pragma once

#include <chrono>
#include <cstdint>

#include "util/clock.hpp"

namespace roomcast::net {

/// 100 ms at first, half as much again after each failure, up to 5 s; of that a random half is
/// waited or more, so that the nodes of a cluster do not come back as one. (Doubling would leave
/// gaps of three seconds by the time that a server is usually restarted.)
class Backoff {
public:
    static constexpr std::chrono::milliseconds kFirst{100};
    static constexpr std::chrono::milliseconds kLongest{5'000};
    /// After a wrong password and the like: people must act, and servers log each attempt.
    static constexpr std::chrono::milliseconds kConfiguration{10'000};
    /// A connection that lasted so long was good: the next loss begins anew.
    static constexpr std::chrono::milliseconds kStable{2'000};

    /// `seed`: of the jitter. `longest` where 5 s are too long.
    explicit Backoff(std::uint64_t seed, std::chrono::milliseconds longest = kLongest)
        : random_(seed | 1),
          longest_(longest) {}

    [[nodiscard]] std::chrono::milliseconds next(bool is_configuration);

    void on_ready(SteadyTime now) { ready_at_ = now; }

    /// Before next(), when a connection that had been ready is lost.
    void on_lost(SteadyTime now) {
        if (now - ready_at_ >= kStable) current_ = kFirst;
    }

private:
    std::uint64_t random_;
    std::chrono::milliseconds longest_;
    std::chrono::milliseconds current_ = kFirst;
    SteadyTime ready_at_{};
};

}  // namespace roomcast::net

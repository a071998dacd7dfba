// SPDX-License-Identifier: Apache-2.0
// Waiting for many clients, for as long as something moves.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "load/event_loop.hpp"

namespace roomcast::bench {

/// Polls until `progress` returns `goal`; gives up when it stands still for 20 s.
template <typename Progress>
void poll_until(EventLoop& loop, Progress progress, std::size_t goal, std::string_view what) {
    constexpr Nanoseconds kPatience = 20'000'000'000;
    std::size_t seen = progress();
    Nanoseconds deadline = now_ns() + kPatience;
    while (seen < goal) {
        loop.poll(deadline);
        if (progress() != seen) {
            seen = progress();
            deadline = now_ns() + kPatience;
        } else if (now_ns() >= deadline) {
            give_up(std::string(what) + ": stuck at " + std::to_string(seen) + " of " +
                    std::to_string(goal));
        }
    }
}

}  // namespace roomcast::bench

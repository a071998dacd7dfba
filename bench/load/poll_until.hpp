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

/// Polls until `pending` returns 0, or `progress` stands still for 5 s; then for a moment more, in
/// which a second copy of the last message would come.
template <typename Pending, typename Progress>
void drain_all(EventLoop& loop, Pending pending, Progress progress) {
    constexpr Nanoseconds kPatience = 5'000'000'000;
    constexpr Nanoseconds kAfterwards = 50'000'000;
    auto seen = progress();
    Nanoseconds deadline = now_ns() + kPatience;
    while (pending() > 0 && now_ns() < deadline) {
        loop.poll(deadline);
        if (progress() == seen) continue;
        seen = progress();
        deadline = now_ns() + kPatience;
    }
    loop.poll_for(kAfterwards);
}

}  // namespace roomcast::bench

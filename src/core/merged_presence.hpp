// SPDX-License-Identifier: Apache-2.0
// Presence updates over the presence rate, merged for each channel until there is room for one.
#pragma once

#include <deque>

#include "core/entries.hpp"
#include "util/timer_queue.hpp"

namespace roomcast {

/// What one session holds back. There only while something waits.
struct MergedPresence {
    std::deque<PresenceSet> sets;  // at most one for each channel, oldest first
    TimerId timer;
};

}  // namespace roomcast

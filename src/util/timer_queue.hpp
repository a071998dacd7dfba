// SPDX-License-Identifier: Apache-2.0
// What one thread has to do later, in order of time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "util/clock.hpp"

namespace roomcast {

/// Names a timer until it has fired or was cancelled; safe to use afterwards.
struct TimerId {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;  // 0: no timer
};

/// An indexed binary heap of one-shot timers: adding and cancelling cost O(log n), and a cancelled
/// timer is gone at once.
class TimerQueue {
public:
    [[nodiscard]] TimerId add(SteadyTime due, std::function<void()> action);
    /// Does nothing if the timer has fired. Clears `id`.
    void cancel(TimerId& id);
    [[nodiscard]] bool is_set(TimerId id) const;

    [[nodiscard]] std::optional<SteadyTime> next_due() const;
    /// Runs the first due timer, which may add and cancel others. False: none is due.
    bool run_one(SteadyTime now);

    [[nodiscard]] std::size_t size() const { return heap_.size(); }

private:
    struct Slot {
        SteadyTime due;
        std::uint64_t order = 0;  // of two with one due time, the first added fires first
        std::function<void()> action;
        std::uint32_t generation = 1;
        std::uint32_t heap_index = 0;
    };

    [[nodiscard]] bool is_before(std::uint32_t a, std::uint32_t b) const;
    void place(std::size_t index, std::uint32_t slot);
    void sift_up(std::size_t index);
    void sift_down(std::size_t index);
    std::function<void()> remove(std::uint32_t slot);

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::vector<std::uint32_t> heap_;
    std::uint64_t added_ = 0;
};

}  // namespace roomcast

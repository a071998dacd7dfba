// SPDX-License-Identifier: Apache-2.0
#include "util/timer_queue.hpp"

#include <utility>

namespace roomcast {

TimerId TimerQueue::add(SteadyTime due, std::function<void()> action) {
    std::uint32_t slot = 0;
    if (free_slots_.empty()) {
        slot = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
    }
    slots_[slot].due = due;
    slots_[slot].order = ++added_;
    slots_[slot].action = std::move(action);
    heap_.push_back(slot);
    sift_up(heap_.size() - 1);
    return {slot, slots_[slot].generation};
}

void TimerQueue::cancel(TimerId& id) {
    const TimerId cancelled = std::exchange(id, TimerId{});
    if (is_set(cancelled)) (void)remove(cancelled.slot);  // its action is not wanted any more
}

bool TimerQueue::is_set(TimerId id) const {
    return id.generation != 0 && slots_[id.slot].generation == id.generation;
}

std::optional<SteadyTime> TimerQueue::next_due() const {
    if (heap_.empty()) return std::nullopt;
    return slots_[heap_.front()].due;
}

bool TimerQueue::run_one(SteadyTime now) {
    if (heap_.empty() || slots_[heap_.front()].due > now) return false;
    // Removed first: the action may add timers, which may use the slot again.
    const std::function<void()> action = remove(heap_.front());
    action();
    return true;
}

std::function<void()> TimerQueue::remove(std::uint32_t slot) {
    const std::size_t index = slots_[slot].heap_index;
    const std::uint32_t last = heap_.back();
    heap_.pop_back();
    if (last != slot) {
        place(index, last);
        sift_up(index);
        sift_down(slots_[last].heap_index);
    }
    if (++slots_[slot].generation == 0) slots_[slot].generation = 1;
    free_slots_.push_back(slot);
    return std::exchange(slots_[slot].action, nullptr);
}

bool TimerQueue::is_before(std::uint32_t a, std::uint32_t b) const {
    if (slots_[a].due != slots_[b].due) return slots_[a].due < slots_[b].due;
    return slots_[a].order < slots_[b].order;
}

void TimerQueue::place(std::size_t index, std::uint32_t slot) {
    heap_[index] = slot;
    slots_[slot].heap_index = static_cast<std::uint32_t>(index);
}

void TimerQueue::sift_up(std::size_t index) {
    const std::uint32_t slot = heap_[index];
    while (index > 0) {
        const std::size_t parent = (index - 1) / 2;
        if (!is_before(slot, heap_[parent])) break;
        place(index, heap_[parent]);
        index = parent;
    }
    place(index, slot);
}

void TimerQueue::sift_down(std::size_t index) {
    const std::uint32_t slot = heap_[index];
    for (;;) {
        std::size_t child = 2 * index + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && is_before(heap_[child + 1], heap_[child])) ++child;
        if (!is_before(heap_[child], slot)) break;
        place(index, heap_[child]);
        index = child;
    }
    place(index, slot);
}

}  // namespace roomcast

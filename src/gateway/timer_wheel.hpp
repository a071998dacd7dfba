// SPDX-License-Identifier: Apache-2.0
// One coarse timer for each of many connections: setting and moving it costs a few stores.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "util/clock.hpp"

namespace roomcast {

/// A hashed timing wheel (Varghese and Lauck, 1987, scheme 6) with ticks of half a second. Timers
/// are nodes inside their owners: nothing is allocated. A timer never fires early, and at most
/// about one tick late.
class TimerWheel {
public:
    static constexpr std::chrono::milliseconds kTick{500};

    /// A timer. Its owner must cancel() it before it goes away.
    struct Node {
        Node* previous = nullptr;
        Node* next = nullptr;
        std::uint64_t due_tick = 0;
    };

    explicit TimerWheel(SteadyTime start) : start_(start) {
        for (Node& head : slots_)
            head.previous = head.next = &head;
    }

    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    /// (Re)starts `node`.
    void schedule(Node& node, SteadyTime due) {
        cancel(node);
        const std::uint64_t tick = tick_of(due) + 1;
        node.due_tick = tick > current_ ? tick : current_ + 1;
        link(node);
    }

    /// Makes sure that `node` fires at `due` or before.
    void schedule_at_latest(Node& node, SteadyTime due) {
        if (node.next == nullptr || node.due_tick > tick_of(due) + 1) schedule(node, due);
    }

    void cancel(Node& node) {
        if (node.next == nullptr) return;
        node.previous->next = node.next;
        node.next->previous = node.previous;
        node.previous = node.next = nullptr;
        --size_;
    }

    /// Calls `fire(Node&)` for each timer that is due; it is no longer scheduled then. `fire` may
    /// schedule and cancel any timer.
    template <class Fire>
    void advance(SteadyTime now, Fire fire) {
        const std::uint64_t target = tick_of(now);
        while (current_ < target) {
            if (size_ == 0) {
                current_ = target;
                return;
            }
            ++current_;
            Node due;  // the slot's list, moved here so that `fire` may fill the slot again
            take_slot(current_ % kSlots, due);
            while (due.next != &due) {
                Node& node = *due.next;
                cancel(node);
                if (node.due_tick > current_) {
                    link(node);  // of a later round
                } else {
                    fire(node);
                }
            }
        }
    }

    [[nodiscard]] bool is_empty() const { return size_ == 0; }

private:
    static constexpr std::size_t kSlots = 256;  // 128 s a round

    [[nodiscard]] std::uint64_t tick_of(SteadyTime time) const {
        return time <= start_ ? 0 : static_cast<std::uint64_t>((time - start_) / kTick);
    }

    void link(Node& node) {
        Node& head = slots_[node.due_tick % kSlots];
        node.previous = head.previous;
        node.next = &head;
        head.previous->next = &node;
        head.previous = &node;
        ++size_;
    }

    void take_slot(std::size_t slot, Node& into) {
        Node& head = slots_[slot];
        if (head.next == &head) {
            into.previous = into.next = &into;
            return;
        }
        into.next = head.next;
        into.previous = head.previous;
        into.next->previous = &into;
        into.previous->next = &into;
        head.previous = head.next = &head;
    }

    const SteadyTime start_;
    std::uint64_t current_ = 0;
    std::size_t size_ = 0;
    std::array<Node, kSlots> slots_;
};

}  // namespace roomcast

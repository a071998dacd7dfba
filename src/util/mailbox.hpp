// SPDX-License-Identifier: Apache-2.0
// The bounded queue through which threads hand each other values: one lock per batch, one wake-up
// while the receiver sleeps.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace roomcast {

/// A first-in, first-out queue with many writing threads and one reader. Entries are of two kinds:
/// *data* counts towards a bound in entries and bytes and is refused beyond it, *control* is always
/// taken (its senders are bounded elsewhere). Nobody ever waits.
template <class Entry>
class Mailbox {
public:
    struct Bounds {
        std::size_t data_entries;
        std::size_t data_bytes;
    };

    /// `wake` is called, on a writing thread, when the first entry arrives since the last take().
    Mailbox(Bounds bounds, std::function<void()> wake) : bounds_(bounds), wake_(std::move(wake)) {}

    /// Puts one entry at the end, whatever the bounds.
    void put_control(Entry&& entry) {
        {
            const std::lock_guard lock(mutex_);
            entries_.push_back(std::move(entry));
            if (std::exchange(is_awake_, true)) return;
        }
        wake_();
    }

    /// Takes over a batch, leaving it empty. `weigh(entry)` gives the bytes of a data entry, and
    /// nothing for control. For each data entry in order, and under the lock, so they must be
    /// short: `accept(const Entry&)` if it fits, else `refuse(Entry&) -> bool`, which may move the
    /// entry away and return false, or make it a control entry and return true to have that taken
    /// in its place.
    template <class Weigh, class Accept, class Refuse>
    void put_batch(std::vector<Entry>& batch, Weigh weigh, Accept accept, Refuse refuse) {
        bool must_wake = false;
        {
            const std::lock_guard lock(mutex_);
            for (Entry& entry : batch) {
                if (const auto bytes = weigh(entry)) {
                    if (data_entries_ < bounds_.data_entries &&
                        data_bytes_ + *bytes <= bounds_.data_bytes) {
                        ++data_entries_;
                        data_bytes_ += *bytes;
                        accept(std::as_const(entry));
                    } else if (!refuse(entry)) {
                        continue;
                    }
                }
                entries_.push_back(std::move(entry));
            }
            if (!entries_.empty()) must_wake = !std::exchange(is_awake_, true);
        }
        batch.clear();
        if (must_wake) wake_();
    }

    /// Swaps all that waits into `taken`, which must be empty (its memory is used again).
    void take(std::vector<Entry>& taken) {
        const std::lock_guard lock(mutex_);
        entries_.swap(taken);
        data_entries_ = 0;
        data_bytes_ = 0;
        is_awake_ = false;
    }

private:
    const Bounds bounds_;
    const std::function<void()> wake_;
    std::mutex mutex_;  // the one lock between threads: held for a push of a batch or a swap
    std::vector<Entry> entries_;
    std::size_t data_entries_ = 0;
    std::size_t data_bytes_ = 0;
    bool is_awake_ = false;
};

}  // namespace roomcast

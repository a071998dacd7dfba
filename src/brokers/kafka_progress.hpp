// SPDX-License-Identifier: Apache-2.0
// How far the topic has been read.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "brokers/kafka_tail.hpp"
#include "util/clock.hpp"

namespace roomcast::kafka {

class Progress {
public:
    /// A partition that has messages of which none arrives for so long is stuck.
    explicit Progress(std::chrono::milliseconds patience) : patience_(patience) {}

    void begin(Position position) { part(position.partition) = {.next = position.offset}; }

    /// What was to be read next is gone: it is read again from the next begin() on.
    void lose(std::int32_t partition) {
        part(partition).next.reset();
        part(partition).is_lost = true;
    }

    [[nodiscard]] bool is_lost(std::int32_t partition) { return part(partition).is_lost; }

    void on_read(Position next) { part(next.partition).next = next.offset; }

    /// Nothing is read for now, on purpose: nothing is stuck because of that.
    void pause(SteadyTime now) {
        for (Part& read : parts_)
            read.moved_at = now;
    }

    /// Where the topic ends now; in regular intervals.
    void on_ends(std::span<const Position> ends, SteadyTime now) {
        lag_ = 0;
        stuck_.reset();
        for (const Position& end : ends) {
            Part& read = part(end.partition);
            if (!read.next) continue;  // not read at all
            const bool is_idle = *read.next < read.last_end && *read.next == read.last_next;
            if (!is_idle) read.moved_at = now;
            if (now - read.moved_at >= patience_) stuck_ = end.partition;
            if (end.offset > *read.next) {
                lag_ += static_cast<std::uint64_t>(end.offset - *read.next);
            }
            read.last_next = *read.next;
            read.last_end = end.offset;
        }
    }

    /// Messages that had not been read when on_ends() was called last.
    [[nodiscard]] std::uint64_t lag() const { return lag_; }

    /// A partition that has messages for a while of which none arrives.
    [[nodiscard]] std::optional<std::int32_t> stuck() const { return stuck_; }

private:
    struct Part {
        std::optional<std::int64_t> next;
        std::int64_t last_next = -1;
        std::int64_t last_end = 0;
        SteadyTime moved_at{};
        bool is_lost = false;
    };

    [[nodiscard]] Part& part(std::int32_t partition) {
        const auto index = static_cast<std::size_t>(partition);
        if (index >= parts_.size()) parts_.resize(index + 1);
        return parts_[index];
    }

    const std::chrono::milliseconds patience_;
    std::vector<Part> parts_;  // by partition
    std::uint64_t lag_ = 0;
    std::optional<std::int32_t> stuck_;
};

}  // namespace roomcast::kafka

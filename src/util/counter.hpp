// SPDX-License-Identifier: Apache-2.0
// Numbers that one thread writes and any thread reads.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace roomcast {

/// A number with one writing thread: no locked instruction, any thread may read it at any time.
class Counter {
public:
    void add(std::uint64_t by = 1) { store(value() + by); }

    void subtract(std::uint64_t by = 1) { store(value() - by); }

    void store(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }

    [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// A histogram of durations with fixed bounds, one writing thread.
class DurationHistogram {
public:
    /// Upper bounds of the buckets in microseconds; one more bucket holds all that is longer.
    static constexpr std::array<std::uint64_t, 13> kBoundsMicroseconds = {50,
                                                                          100,
                                                                          250,
                                                                          500,
                                                                          1'000,
                                                                          2'500,
                                                                          5'000,
                                                                          10'000,
                                                                          25'000,
                                                                          50'000,
                                                                          100'000,
                                                                          500'000,
                                                                          2'500'000};

    void record(std::uint64_t microseconds, std::uint64_t times = 1) {
        std::size_t bucket = 0;
        while (bucket < kBoundsMicroseconds.size() && microseconds > kBoundsMicroseconds[bucket]) {
            ++bucket;
        }
        buckets_[bucket].add(times);
        sum_microseconds_.add(microseconds * times);
    }

    [[nodiscard]] std::span<const Counter> buckets() const { return buckets_; }

    [[nodiscard]] std::uint64_t sum_microseconds() const { return sum_microseconds_.value(); }

private:
    std::array<Counter, kBoundsMicroseconds.size() + 1> buckets_;
    Counter sum_microseconds_;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The bodies that Google Benchmark times and that script/bench --guard counts instructions of.
#pragma once

#include <cstdint>
#include <span>

#include <benchmark/benchmark.h>

namespace roomcast::micro {

struct Case {
    const char* name;
    void (*body)(benchmark::State&);
    /// What one iteration does so many times, "delivery" or the like.
    std::uint32_t units;
    const char* unit;
    /// How often the guard repeats it: enough for a stable mean, few enough for callgrind.
    std::uint32_t guard_iterations;
};

/// The costs of an iteration itself, which the guard subtracts from the others. The first case.
void nothing(benchmark::State& state);

// codec.cpp: a publication of about 190 bytes.
void decode(benchmark::State& state);
void encode(benchmark::State& state);
void frame_head(benchmark::State& state);

// queues.cpp
void outbox_single(benchmark::State& state);
void outbox_batch(benchmark::State& state);
void outbox_partial(benchmark::State& state);
void timer_wheel(benchmark::State& state);

// fanout.cpp
void core_fan_out(benchmark::State& state);
void gateway_fan_out(benchmark::State& state);
void gateway_window(benchmark::State& state);
void gateway_channels(benchmark::State& state);

inline constexpr std::uint32_t kBatch = 16;  // frames in one outbox
inline constexpr std::uint32_t kSubscribers = 1'000;
inline constexpr std::uint32_t kWindow = 64;  // publications that are read at once
inline constexpr std::uint32_t kChannels = 1'000;
inline constexpr std::uint32_t kMembers = 5;  // of each of them
inline constexpr std::uint32_t kTimers = 1'000;

/// What a client says to publish in the channel "r0", with a payload of 128 bytes.
inline constexpr char kPublication[] =
    R"({"type":"broadcast","channel":"r0","event":"m","payload":")"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    R"(0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"})";

}  // namespace roomcast::micro

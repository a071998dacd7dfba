// SPDX-License-Identifier: Apache-2.0
// What each connection has of its own: its outbox and its timer.
#include <chrono>
#include <string>
#include <vector>

#include "gateway/outbox.hpp"
#include "gateway/timer_wheel.hpp"
#include "micro/cases.hpp"

namespace roomcast::micro {

namespace {

std::vector<LocalFramePtr> make_frames(std::size_t count) {
    std::vector<LocalFramePtr> frames;
    for (std::size_t i = 0; i < count; ++i) {
        frames.push_back(make_local(FramePtr(Frame::make("12", std::string(190, 'x')))));
    }
    return frames;
}

}  // namespace

void outbox_single(benchmark::State& state) {
    Outbox outbox;
    const auto frames = make_frames(1);
    for (auto _ : state) {
        outbox.push_live(frames.front());
        const std::string_view bytes = outbox.front();
        benchmark::DoNotOptimize(bytes.data());
        outbox.consume(bytes.size());
    }
}

void outbox_batch(benchmark::State& state) {
    Outbox outbox;
    const auto frames = make_frames(kBatch);
    std::string copy(kBatch * frames.front()->bytes().size(), '\0');
    for (auto _ : state) {
        for (const LocalFramePtr& frame : frames)
            outbox.push_live(frame);
        std::size_t bytes = 0;
        outbox.copy(outbox.measure(65'536, bytes), copy.data());
        benchmark::DoNotOptimize(copy.data());
        outbox.consume(bytes);
    }
}

/// A client that takes 500 bytes a time of what fills its outbox.
void outbox_partial(benchmark::State& state) {
    Outbox outbox;
    const auto frames = make_frames(kBatch);
    for (auto _ : state) {
        for (const LocalFramePtr& frame : frames)
            outbox.push_live(frame);
        while (!outbox.is_empty()) {
            std::size_t bytes = 0;
            benchmark::DoNotOptimize(outbox.measure(65'536, bytes));
            outbox.consume(std::min<std::size_t>(bytes, 500));
        }
    }
}

/// Each timer is asked for, found not to be the earliest, fires and is set again.
void timer_wheel(benchmark::State& state) {
    SteadyTime now{std::chrono::hours(1)};
    TimerWheel wheel(now);
    std::vector<TimerWheel::Node> timers(kTimers);
    for (auto _ : state) {
        for (TimerWheel::Node& timer : timers) {
            wheel.schedule_at_latest(timer, now + TimerWheel::kTick);
            wheel.schedule_at_latest(timer, now + 10 * TimerWheel::kTick);
        }
        now += 3 * TimerWheel::kTick;
        std::size_t fired = 0;
        wheel.advance(now, [&fired](TimerWheel::Node&) { ++fired; });
        if (fired != kTimers) return state.SkipWithError("a timer did not fire");
    }
}

}  // namespace roomcast::micro

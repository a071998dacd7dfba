// SPDX-License-Identifier: Apache-2.0
#include "gateway/timer_wheel.hpp"

#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class TimerWheelTest : public testing::Test {
protected:
    struct Timer : TimerWheel::Node {
        int name = 0;
    };

    std::vector<int> fired_at(SteadyTime now) {
        std::vector<int> names;
        wheel.advance(
            now, [&](TimerWheel::Node& node) { names.push_back(static_cast<Timer&>(node).name); });
        return names;
    }

    const SteadyTime start{seconds(1'000)};
    TimerWheel wheel{start};
};

TEST_F(TimerWheelTest, FiresAfterTheDeadlineAndWithinAboutATick) {
    Timer timer;
    timer.name = 1;
    wheel.schedule(timer, start + seconds(10));
    EXPECT_THAT(fired_at(start + seconds(10)), IsEmpty()) << "never early";
    EXPECT_THAT(fired_at(start + seconds(10) + 2 * TimerWheel::kTick), ElementsAre(1));
    EXPECT_TRUE(wheel.is_empty());
}

TEST_F(TimerWheelTest, FiresOnceAndCanBeScheduledAgainFromWithin) {
    Timer timer;
    wheel.schedule(timer, start + seconds(1));
    int fired = 0;
    for (int second = 0; second < 10; ++second) {
        wheel.advance(start + seconds(second), [&](TimerWheel::Node& node) {
            ++fired;
            wheel.schedule(node, start + seconds(second + 3));
        });
    }
    EXPECT_EQ(fired, 2);
    wheel.cancel(timer);
}

TEST_F(TimerWheelTest, ACancelledTimerNeverFires) {
    Timer timer;
    wheel.schedule(timer, start + seconds(1));
    wheel.cancel(timer);
    wheel.cancel(timer);
    EXPECT_TRUE(wheel.is_empty());
    EXPECT_THAT(fired_at(start + seconds(5)), IsEmpty());
}

TEST_F(TimerWheelTest, ScheduleAtLatestOnlyMovesForward) {
    Timer timer;
    timer.name = 7;
    wheel.schedule_at_latest(timer, start + seconds(5));
    wheel.schedule_at_latest(timer, start + seconds(60));
    EXPECT_THAT(fired_at(start + seconds(7)), ElementsAre(7));
    wheel.schedule(timer, start + seconds(60));
    wheel.schedule_at_latest(timer, start + seconds(10));
    EXPECT_THAT(fired_at(start + seconds(12)), ElementsAre(7));
}

TEST_F(TimerWheelTest, KeepsTimersOfLaterRounds) {
    Timer timer;
    timer.name = 3;
    wheel.schedule(timer, start + seconds(1'000));
    EXPECT_THAT(fired_at(start + seconds(999)), IsEmpty());
    EXPECT_THAT(fired_at(start + seconds(1'002)), ElementsAre(3));
}

TEST_F(TimerWheelTest, FiresEachOfManyTimersOnceAndNotEarly) {
    std::mt19937 random(7);
    std::vector<Timer> timers(1'000);
    std::vector<SteadyTime> due(timers.size());
    for (std::size_t i = 0; i < timers.size(); ++i) {
        timers[i].name = static_cast<int>(i);
        due[i] = start + milliseconds(random() % 300'000);
        wheel.schedule(timers[i], due[i]);
    }
    std::size_t fired = 0;
    for (SteadyTime now = start; !wheel.is_empty(); now += milliseconds(random() % 3'000)) {
        wheel.advance(now, [&](TimerWheel::Node& node) {
            const auto index = static_cast<std::size_t>(static_cast<Timer&>(node).name);
            ASSERT_LE(due[index], now);
            ++fired;
        });
    }
    EXPECT_EQ(fired, timers.size());
}

}  // namespace
}  // namespace roomcast

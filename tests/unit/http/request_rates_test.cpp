// SPDX-License-Identifier: Apache-2.0
#include "http/request_rates.hpp"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.hpp"

namespace roomcast::http {
namespace {

using namespace std::chrono_literals;

TEST(RequestRates, EachClientHasABurstAndThenItsRate) {
    ManualClock clock;
    RequestRates rates({.per_second = 4, .burst = 2}, clock);
    EXPECT_EQ(rates.take("a"), 0ms);
    EXPECT_EQ(rates.take("a"), 0ms);
    EXPECT_EQ(rates.take("a"), 250ms);
    EXPECT_EQ(rates.take("b"), 0ms) << "another client's bucket";
    clock.advance(250ms);
    EXPECT_EQ(rates.take("a"), 0ms);
    EXPECT_EQ(rates.take("a"), 250ms);
}

TEST(RequestRates, WithoutARateAllMayGoOn) {
    ManualClock clock;
    RequestRates rates({.per_second = 0, .burst = 1}, clock);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(rates.take("a"), 0ms);
}

TEST(RequestRates, ManyClientsDoNotMakeABusyOneForgotten) {
    ManualClock clock;
    RequestRates rates({.per_second = 1, .burst = 1}, clock);
    for (int i = 0; i < 9'999; ++i)
        EXPECT_EQ(rates.take(std::to_string(i)), 0ms);
    clock.advance(5s);
    EXPECT_EQ(rates.take("busy"), 0ms);
    EXPECT_EQ(rates.take("one too many"), 0ms);
    EXPECT_EQ(rates.take("busy"), 1s);
}

}  // namespace
}  // namespace roomcast::http

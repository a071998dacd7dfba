// SPDX-License-Identifier: Apache-2.0
#include "net/backoff.hpp"

#include <gtest/gtest.h>

namespace roomcast::net {
namespace {

using namespace std::chrono_literals;

const SteadyTime kStart{1h};

TEST(BackoffTest, GrowsFromATenthOfASecondToFiveWithJitter) {
    Backoff backoff(1);
    std::chrono::milliseconds longest = Backoff::kFirst;
    for (int i = 0; i < 30; ++i) {
        const auto wait = backoff.next(false);
        EXPECT_GE(wait, longest / 2);
        EXPECT_LE(wait, longest);
        longest = std::min(Backoff::kLongest, longest * 3 / 2);
    }
    EXPECT_EQ(longest, 5s);
}

TEST(BackoffTest, WaitsNoLongerThanItIsAllowedTo) {
    Backoff backoff(1, std::chrono::milliseconds(1'250));
    std::chrono::milliseconds most{0};
    for (int attempt = 0; attempt < 200; ++attempt)
        most = std::max(most, backoff.next(false));
    EXPECT_LE(most, std::chrono::milliseconds(1'250));
    EXPECT_GT(most, std::chrono::milliseconds(1'000));
}

TEST(BackoffTest, TwoNodesDoNotWaitTheSameTimes) {
    Backoff one(1);
    Backoff other(2);
    int equal = 0;
    for (int i = 0; i < 20; ++i)
        equal += one.next(false) == other.next(false) ? 1 : 0;
    EXPECT_LT(equal, 10);
}

TEST(BackoffTest, BeginsAnewOnlyAfterAConnectionThatLasted) {
    Backoff backoff(1);
    for (int i = 0; i < 20; ++i)
        (void)backoff.next(false);
    backoff.on_ready(kStart);
    backoff.on_lost(kStart + 100ms);
    EXPECT_GE(backoff.next(false), 2'500ms);
    backoff.on_ready(kStart);
    backoff.on_lost(kStart + Backoff::kStable);
    EXPECT_LE(backoff.next(false), 100ms);
}

TEST(BackoffTest, AWrongSettingIsTriedSeldom) {
    Backoff backoff(1);
    EXPECT_GE(backoff.next(true), 5s);
    EXPECT_LE(backoff.next(true), 10s);
    EXPECT_LE(backoff.next(false), 100ms);  // and it does not lengthen the other waits
}

}  // namespace
}  // namespace roomcast::net

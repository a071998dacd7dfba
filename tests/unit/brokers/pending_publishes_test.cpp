// SPDX-License-Identifier: Apache-2.0
#include "brokers/pending_publishes.hpp"

#include <gtest/gtest.h>

namespace roomcast {
namespace {

using std::chrono::seconds;

SteadyTime at(int second) {
    return SteadyTime(seconds(second));
}

TEST(PendingPublishesTest, EachIsAnsweredOnceInAnyOrder) {
    PendingPublishes pending;
    const std::uint64_t first = pending.add({.home = 0, .slot = 1}, at(1), 10);
    const std::uint64_t second = pending.add({.home = 0, .slot = 2}, at(2), 20);
    EXPECT_EQ(pending.size(), 2U);
    EXPECT_EQ(pending.bytes(), 30U);
    EXPECT_EQ(pending.settle(second)->slot, 2U);
    EXPECT_FALSE(pending.settle(second));
    EXPECT_EQ(pending.bytes(), 10U);
    EXPECT_EQ(pending.settle(first)->slot, 1U);
    EXPECT_EQ(pending.size(), 0U);
    EXPECT_FALSE(pending.settle(first));
    EXPECT_FALSE(pending.settle(3));
    EXPECT_FALSE(pending.next_deadline());
}

TEST(PendingPublishesTest, WhatIsLateIsAnsweredThenAndCountsUntilItsFateIsKnown) {
    PendingPublishes pending;
    const std::uint64_t first = pending.add({.home = 0, .slot = 1}, at(1), 10);
    const std::uint64_t second = pending.add({.home = 0, .slot = 2}, at(2), 10);
    const std::uint64_t third = pending.add({.home = 0, .slot = 3}, at(3), 10);
    EXPECT_FALSE(pending.expire_one(at(0)));
    EXPECT_EQ(pending.settle(second)->slot, 2U);
    EXPECT_EQ(pending.expire_one(at(3))->slot, 1U);
    EXPECT_EQ(pending.next_deadline(), at(3));
    EXPECT_EQ(pending.bytes(), 20U);
    EXPECT_FALSE(pending.settle(first));
    EXPECT_EQ(pending.bytes(), 10U);
    EXPECT_EQ(pending.expire_one(at(3))->slot, 3U);
    EXPECT_FALSE(pending.expire_one(at(9)));
    EXPECT_FALSE(pending.settle(third));
    EXPECT_EQ(pending.size(), 0U);
    const std::uint64_t fourth = pending.add({.home = 0, .slot = 4}, at(4), 10);
    EXPECT_EQ(pending.next_deadline(), at(4));
    EXPECT_EQ(pending.settle(fourth)->slot, 4U);
}

}  // namespace
}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "brokers/rabbitmq_probe.hpp"

#include <gtest/gtest.h>

namespace roomcast::rabbitmq {
namespace {

using Step = Probe::Step;

TEST(RabbitmqProbe, OneThatComesBackIsFollowedByTheNext) {
    Probe probe;
    EXPECT_EQ(probe.next(), Step::send);
    probe.on_answer(true);
    probe.on_arrival();
    probe.on_return();
    EXPECT_EQ(probe.next(), Step::send);
}

TEST(RabbitmqProbe, MayComeBackBeforeItIsConfirmed) {
    Probe probe;
    EXPECT_EQ(probe.next(), Step::send);
    probe.on_arrival();
    probe.on_return();
    probe.on_answer(true);
    EXPECT_EQ(probe.next(), Step::send);
}

TEST(RabbitmqProbe, IsGivenUpWhenItWasConfirmedAndNothingArrivesForAnInterval) {
    Probe probe;
    EXPECT_EQ(probe.next(), Step::send);
    probe.on_answer(true);
    EXPECT_EQ(probe.next(), Step::wait);
    EXPECT_EQ(probe.next(), Step::give_up);
}

TEST(RabbitmqProbe, IsWaitedForWhileOthersArriveBeforeIt) {
    Probe probe;
    EXPECT_EQ(probe.next(), Step::send);
    probe.on_answer(true);
    EXPECT_EQ(probe.next(), Step::wait);
    for (int i = 0; i < 10; ++i) {
        probe.on_arrival();
        EXPECT_EQ(probe.next(), Step::wait);
    }
    EXPECT_EQ(probe.next(), Step::give_up);
}

TEST(RabbitmqProbe, OneThatWasNeverConfirmedIsNotMissed) {
    Probe probe;
    EXPECT_EQ(probe.next(), Step::send);
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(probe.next(), Step::wait);
    probe.on_answer(false);
    EXPECT_EQ(probe.next(), Step::send);
}

TEST(RabbitmqProbe, BeginsAnewWithOtherConnections) {
    Probe probe;
    EXPECT_EQ(probe.next(), Step::send);
    probe.on_answer(true);
    EXPECT_EQ(probe.next(), Step::wait);
    probe.reset();
    EXPECT_EQ(probe.next(), Step::send);
}

}  // namespace
}  // namespace roomcast::rabbitmq

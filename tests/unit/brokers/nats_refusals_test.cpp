// SPDX-License-Identifier: Apache-2.0
#include "brokers/nats_refusals.hpp"

#include <gtest/gtest.h>

namespace roomcast {
namespace {

TEST(NatsComplaintTest, NamesWhatMayNotBePublished) {
    const auto complaint =
        parse_nats_complaint("Permissions Violation for Publish to \"roomcast.a%20b\"");
    EXPECT_TRUE(complaint.is_about_publishing);
    EXPECT_EQ(complaint.subject, "roomcast.a%20b");
}

TEST(NatsComplaintTest, NamesWhatMayNotBeSubscribed) {
    const auto complaint =
        parse_nats_complaint("Permissions Violation for Subscription to \"roomcast.deaf\"");
    EXPECT_FALSE(complaint.is_about_publishing);
    EXPECT_EQ(complaint.subject, "roomcast.deaf");
}

// nats-server and the library do not write it alike.
TEST(NatsComplaintTest, KnowsPublishingHoweverItIsWritten) {
    EXPECT_TRUE(
        parse_nats_complaint("permissions violation for publish to \"a\"").is_about_publishing);
}

TEST(NatsComplaintTest, MayNameNoSubject) {
    for (const char* text : {"", "Stale Connection", "for Publish to \"", "\"without an end"})
        EXPECT_EQ(parse_nats_complaint(text).subject, "") << text;
}

TEST(NatsRefusalsTest, TheSameTextTwiceIsNoNews) {
    NatsRefusals refusals;
    EXPECT_TRUE(refusals.is_news("a"));
    EXPECT_FALSE(refusals.is_news("a"));
    EXPECT_TRUE(refusals.is_news("b"));
    EXPECT_TRUE(refusals.is_news("a"));
}

TEST(NatsRefusalsTest, WhatWasRefusedIsSoUntilItIsForgiven) {
    NatsRefusals refusals;
    refusals.refuse_publishing("a");
    EXPECT_FALSE(refusals.may_publish("a"));
    EXPECT_TRUE(refusals.may_publish("b"));
    refusals.forgive();
    EXPECT_TRUE(refusals.may_publish("a"));
}

}  // namespace
}  // namespace roomcast

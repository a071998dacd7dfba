// SPDX-License-Identifier: Apache-2.0
#include "model/rights.hpp"

#include <gtest/gtest.h>

namespace roomcast {
namespace {

constexpr auto kSubscribe = static_cast<std::uint8_t>(Right::subscribe);
constexpr auto kPublish = static_cast<std::uint8_t>(Right::publish);

TEST(RightsTest, AllAllowsEverything) {
    EXPECT_TRUE(Rights::all().allow(Right::subscribe, "a"));
    EXPECT_TRUE(Rights::all().allow(Right::publish, "b"));
    EXPECT_TRUE(Rights::all().allow(Right::presence, "c"));
}

TEST(RightsTest, NoneAllowsNothing) {
    EXPECT_FALSE(Rights::none().allow(Right::subscribe, "a"));
    EXPECT_FALSE(Rights::none().allow(Right::subscribe, ""));
}

TEST(RightsTest, AnExactPatternGrantsThatChannelAlone) {
    Rights rights = Rights::none();
    rights.grant("room", kSubscribe);
    EXPECT_TRUE(rights.allow(Right::subscribe, "room"));
    EXPECT_FALSE(rights.allow(Right::subscribe, "room1"));
    EXPECT_FALSE(rights.allow(Right::subscribe, "roo"));
    EXPECT_FALSE(rights.allow(Right::publish, "room"));
}

TEST(RightsTest, AStarAtTheEndGrantsAPrefix) {
    Rights rights = Rights::none();
    rights.grant("room:*", kPublish);
    EXPECT_TRUE(rights.allow(Right::publish, "room:1"));
    EXPECT_TRUE(rights.allow(Right::publish, "room:"));
    EXPECT_FALSE(rights.allow(Right::publish, "room"));
}

TEST(RightsTest, AStarAloneGrantsAllChannels) {
    Rights rights = Rights::none();
    rights.grant("*", kSubscribe);
    EXPECT_TRUE(rights.allow(Right::subscribe, "anything"));
    EXPECT_FALSE(rights.allow(Right::presence, "anything"));
}

TEST(RightsTest, AStarElsewhereIsACharacter) {
    Rights rights = Rights::none();
    rights.grant("a*b", kSubscribe);
    EXPECT_TRUE(rights.allow(Right::subscribe, "a*b"));
    EXPECT_FALSE(rights.allow(Right::subscribe, "axb"));
}

TEST(RightsTest, MatchingPatternsAddUp) {
    Rights rights = Rights::none();
    rights.grant("room:*", kSubscribe);
    rights.grant("room:1", kPublish);
    EXPECT_TRUE(rights.allow(Right::subscribe, "room:1"));
    EXPECT_TRUE(rights.allow(Right::publish, "room:1"));
    EXPECT_FALSE(rights.allow(Right::publish, "room:2"));
}

}  // namespace
}  // namespace roomcast

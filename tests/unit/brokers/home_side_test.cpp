// SPDX-License-Identifier: Apache-2.0
#include "brokers/home_side.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_executor.hpp"

namespace roomcast {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ChannelName named(std::string_view name) {
    return *ChannelName::make(name);
}

/// A home that works when the test says so, with room for two publications.
class HomeSideTest : public testing::Test, public BrokerSink {
protected:
    static constexpr HomeSideLimits kLimits{
        .pending_publishes = 3, .mail_entries = 2, .mail_bytes = 1'000};

    void on_message(BusMessage message) override { told_.push_back(message.event); }

    void on_gap(const ChannelName& channel) override {
        told_.push_back("gap " + std::string(channel.text()));
    }

    void on_state(bool, std::string_view) override {}

    void on_control(std::string_view) override {}

    void deliver(std::string_view channel, const std::string& event) {
        const std::string body = R"({"type":"broadcast","event":")" + event + R"(","payload":1})";
        homes_.deliver(named(channel), body);
    }

    PublishTicket open() {
        const auto ticket = homes_.open(named("room"), [this](const auto& result) {
            told_.emplace_back(result ? "taken" : "refused");
        });
        EXPECT_TRUE(ticket);
        return *ticket;
    }

    std::vector<std::string> told() {
        homes_.hand_over();
        executor_.run();
        return std::exchange(told_, {});
    }

    test::FakeExecutor executor_;
    HomeSide homes_{*this, executor_, kLimits};
    std::vector<std::string> told_;
};

TEST_F(HomeSideTest, WhatAHomeHasNoRoomForIsDroppedAndToldBeforeTheNext) {
    for (const char* event : {"1", "2", "3", "4"})
        deliver("room", event);
    EXPECT_EQ(homes_.dropped_messages(), 2U);
    EXPECT_THAT(told(), ElementsAre("1", "2"));
    deliver("room", "5");
    EXPECT_THAT(told(), ElementsAre("gap room", "5"));
}

TEST_F(HomeSideTest, AGapIsToldWithoutWaitingForAnotherPublication) {
    for (const char* event : {"1", "2", "3"})
        deliver("room", event);
    EXPECT_THAT(told(), ElementsAre("1", "2"));
    EXPECT_THAT(told(), ElementsAre("gap room"));
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(HomeSideTest, OnlyTheChannelThatLostSomethingHasAGap) {
    deliver("room", "1");
    deliver("room", "2");
    deliver("other", "3");
    EXPECT_THAT(told(), ElementsAre("1", "2"));
    deliver("room", "4");
    EXPECT_THAT(told(), ElementsAre("4"));
    EXPECT_THAT(told(), ElementsAre("gap other"));
}

TEST_F(HomeSideTest, RoomIsScarceFromHalfOfItOn) {
    EXPECT_TRUE(homes_.has_room());
    deliver("room", "1");
    EXPECT_FALSE(homes_.has_room());
    EXPECT_THAT(told(), ElementsAre("1"));
    EXPECT_TRUE(homes_.has_room());
    deliver("room", std::string(kLimits.mail_bytes / 2, 'x'));
    EXPECT_FALSE(homes_.has_room());
}

TEST_F(HomeSideTest, AnswersTakeNoRoomFromPublications) {
    const PublishTicket tickets[] = {open(), open(), open()};
    for (const PublishTicket ticket : tickets)
        homes_.answer(ticket, std::nullopt);
    deliver("room", "1");
    deliver("room", "2");
    EXPECT_THAT(told(), ElementsAre("taken", "taken", "taken", "1", "2"));
    EXPECT_EQ(homes_.dropped_messages(), 0U);
}

TEST_F(HomeSideTest, TooManyPendingPublishesAreRefusedUntilOneIsAnswered) {
    const PublishTicket first = open();
    (void)open();
    (void)open();
    EXPECT_FALSE(homes_.open(named("room"), [this](const auto& result) {
        told_.emplace_back(result ? "taken" : "refused");
    }));
    homes_.answer(first, std::nullopt);
    EXPECT_THAT(told(), ElementsAre("refused", "taken"));
    (void)open();
    homes_.give_up();
    EXPECT_THAT(told(), ElementsAre("refused", "refused", "refused"));
    EXPECT_EQ(homes_.pending_publishes(), 0U);
}

TEST_F(HomeSideTest, AnOldConfirmationIsNone) {
    const auto confirmed = [this](std::string_view what) {
        return [this, what] { told_.emplace_back(what); };
    };
    const auto first = homes_.await(named("room"), confirmed("first"));
    const auto second = homes_.await(named("room"), confirmed("second"));
    homes_.confirm(named("room"), first);
    EXPECT_THAT(told(), IsEmpty());
    homes_.confirm(named("room"), second);
    homes_.confirm(named("room"), second);
    EXPECT_THAT(told(), ElementsAre("second"));
    const auto third = homes_.await(named("room"), confirmed("third"));
    homes_.forget(named("room"));
    homes_.confirm(named("room"), third);
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(HomeSideTest, WhatIsNoPublicationIsCountedAndPassedBy) {
    homes_.deliver(named("room"), "{\"type\":\"broadcast\"");
    deliver("room", "1");
    EXPECT_THAT(told(), ElementsAre("1"));
    EXPECT_EQ(homes_.bad_messages(), 1U);
}

}  // namespace
}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/core/core_test.hpp"

namespace roomcast {
namespace {

using namespace std::chrono_literals;

class SubscribeTest : public CoreTest {};

INSTANTIATE_CORE_TEST(SubscribeTest);

constexpr auto kSubscribe = R"({"type":"subscribe","id":1,"channel":"r","listen":["broadcast"]})";
constexpr auto kSubscribed = R"({"type":"subscribed","id":1,"channel":"r","listen":["broadcast"]})";
constexpr auto kBroadcast = R"({"type":"broadcast","channel":"r","event":"e","payload":7})";
constexpr auto kHeard =
    R"({"type":"broadcast","channel":"r","event":"e","payload":7,"user_id":"alice","ts":1620000000000})";

TEST_P(SubscribeTest, SubscribeThenBroadcastEchoesBehindTheAnswer) {
    auto alice = connect("alice");
    alice->say(kSubscribe);
    EXPECT_THAT(alice->ask(kBroadcast), ElementsAre(kSubscribed, kHeard));
}

TEST_P(SubscribeTest, EveryListenerHearsAndOthersDoNot) {
    auto alice = connect("alice");
    auto bob = connect("bob");
    auto carol = connect("carol");
    bob->ask(R"({"type":"subscribe","channel":"r","listen":["broadcast"]})");
    carol->ask(R"({"type":"subscribe","channel":"other","listen":["broadcast"]})");
    EXPECT_THAT(alice->ask(kBroadcast), IsEmpty());
    EXPECT_THAT(bob->take(), ElementsAre(kHeard));
    EXPECT_THAT(carol->take(), IsEmpty());
}

TEST_P(SubscribeTest, WithoutIdThereIsNoAnswer) {
    auto alice = connect("alice");
    EXPECT_THAT(alice->ask(R"({"type":"subscribe","channel":"r","listen":["broadcast"]})"),
                IsEmpty());
}

TEST_P(SubscribeTest, ResubscribeNeitherLosesNorDoublesAMessage) {
    auto alice = connect("alice");
    auto bob = connect("bob");
    bob->ask(R"({"type":"subscribe","channel":"r","listen":["broadcast"]})");
    for (int i = 0; i < 3; ++i) {
        alice->say(kBroadcast);
        bob->say(R"({"type":"subscribe","channel":"r","listen":["broadcast"]})");
        alice->say(kBroadcast);
        settle();
        EXPECT_THAT(bob->take(), ElementsAre(kHeard, kHeard));
    }
    EXPECT_EQ(sum(&ShardMetrics::subscriptions), 1U);
}

TEST_P(SubscribeTest, UnsubscribeEndsAllListening) {
    auto alice = connect("alice");
    alice->ask(kSubscribe);
    EXPECT_THAT(alice->ask(R"({"type":"unsubscribe","id":"x","channel":"r"})"),
                ElementsAre(R"({"type":"unsubscribed","id":"x","channel":"r"})"));
    EXPECT_THAT(alice->ask(kBroadcast), IsEmpty());
    EXPECT_EQ(sum(&ShardMetrics::subscriptions), 0U);
}

TEST_P(SubscribeTest, AnEmptyListenSetEndsListening) {
    auto alice = connect("alice");
    alice->ask(kSubscribe);
    EXPECT_THAT(alice->ask(R"({"type":"subscribe","id":2,"channel":"r","listen":[]})"),
                ElementsAre(R"({"type":"subscribed","id":2,"channel":"r","listen":[]})"));
    EXPECT_THAT(alice->ask(kBroadcast), IsEmpty());
}

TEST_P(SubscribeTest, QuickSubscribeAndUnsubscribeEndAsLastAsked) {
    auto alice = connect("alice");
    for (int i = 0; i < 5; ++i) {
        alice->say(R"({"type":"subscribe","channel":"r","listen":["broadcast"]})");
        alice->say(R"({"type":"unsubscribe","channel":"r"})");
    }
    alice->say(R"({"type":"subscribe","channel":"r","listen":["broadcast"]})");
    EXPECT_THAT(alice->ask(kBroadcast), ElementsAre(kHeard));
}

TEST_P(SubscribeTest, TheBrokerSubscriptionOutlivesTheLastListenerByFiveSeconds) {
    auto alice = connect("alice");
    alice->ask(kSubscribe);
    EXPECT_THAT(broker_.subscribed(), ElementsAre("r"));
    alice->ask(R"({"type":"unsubscribe","channel":"r"})");
    pass(4s);
    alice->ask(kSubscribe);
    alice->ask(R"({"type":"unsubscribe","channel":"r"})");
    EXPECT_EQ(broker_.subscribes(), 1);
    pass(4s);
    EXPECT_THAT(broker_.subscribed(), ElementsAre("r"));
    pass(1s);
    EXPECT_THAT(broker_.subscribed(), IsEmpty());
}

TEST_P(SubscribeTest, NothingIsLeftOfAChannelThatNobodyUses) {
    {
        auto alice = connect("alice");
        alice->ask(R"({"type":"subscribe","channel":"r","listen":["broadcast","presence"]})");
        alice->ask(R"({"type":"presence_join","channel":"r"})");
        EXPECT_EQ(sum(&ShardMetrics::channels), 1U);
        EXPECT_EQ(sum(&ShardMetrics::sessions), 1U);
    }
    settle();
    pass(5s);
    pass(5s);
    EXPECT_EQ(sum(&ShardMetrics::channels), 0U);
    EXPECT_EQ(sum(&ShardMetrics::subscriptions), 0U);
    EXPECT_EQ(sum(&ShardMetrics::presence_members), 0U);
    EXPECT_EQ(sum(&ShardMetrics::sessions), 0U);
    for (ShardIndex i = 0; i < GetParam(); ++i) {
        // What is left is the node's own announcement, on the first shard.
        EXPECT_EQ(hub().shard(i).timers().size(), i == Hub::kDirectoryShard ? 1U : 0U);
        EXPECT_EQ(hub().shard(i).channels().size(), 0U);
    }
}

TEST_P(SubscribeTest, ManySubscriptionsOfOneSessionComeAndGoInAnyOrder) {
    auto alice = connect("alice");
    auto bob = connect("bob");
    const auto subscribe = [](int i) {
        return R"({"type":"subscribe","channel":"c)" + std::to_string(i) +
               R"(","listen":["broadcast"]})";
    };
    for (int i = 0; i < 20; ++i) {
        alice->ask(subscribe(i));
        bob->ask(subscribe(i));
    }
    for (int i = 0; i < 20; i += 3) {
        alice->ask(R"({"type":"unsubscribe","channel":"c)" + std::to_string(i) + "\"}");
    }
    for (int i = 0; i < 20; ++i) {
        bob->ask(R"({"type":"broadcast","channel":"c)" + std::to_string(i) +
                 R"(","event":"e","self":false})");
        EXPECT_EQ(alice->take().size(), i % 3 == 0 ? 0U : 1U) << i;
        EXPECT_THAT(bob->take(), IsEmpty());
    }
}

TEST_P(SubscribeTest, OneSubscriptionTooManyIsRefusedAndAnOldOneMayChange) {
    limits_.subscriptions = 2;
    auto alice = connect("alice");
    alice->ask(R"({"type":"subscribe","channel":"a","listen":["broadcast"]})");
    alice->ask(R"({"type":"subscribe","channel":"b","listen":["broadcast"]})");
    EXPECT_THAT(alice->ask(R"({"type":"subscribe","id":1,"channel":"c","listen":["broadcast"]})"),
                ElementsAre(HasSubstr(R"("id":1,"code":4005)")));
    EXPECT_THAT(alice->ask(R"({"type":"subscribe","id":2,"channel":"b","listen":["broadcast"]})"),
                ElementsAre(HasSubstr("subscribed")));
    alice->ask(R"({"type":"unsubscribe","channel":"a"})");
    EXPECT_THAT(alice->ask(R"({"type":"subscribe","id":3,"channel":"c","listen":["broadcast"]})"),
                ElementsAre(HasSubstr("subscribed")));
}

// ---- a broker that takes its time ----

TEST_P(SubscribeTest, WaitsForTheBrokersConfirmation) {
    broker_.set_instant(false);
    auto alice = connect("alice");
    EXPECT_THAT(alice->ask(kSubscribe), IsEmpty());
    broker_.confirm_all();
    settle();
    EXPECT_THAT(alice->take(), ElementsAre(kSubscribed));
}

TEST_P(SubscribeTest, IsAnsweredUnavailableInTimeAndStartsLater) {
    broker_.set_instant(false);
    auto alice = connect("alice");
    alice->ask(kSubscribe);
    pass(2s);
    EXPECT_THAT(alice->take(), ElementsAre(HasSubstr(R"("id":1,"code":4500)")));
    broker_.confirm_all();
    broker_.set_instant(true);
    settle();
    EXPECT_THAT(alice->take(), IsEmpty());
    EXPECT_THAT(alice->ask(kBroadcast),
                ElementsAre(HasSubstr(R"("type":"broadcast","channel":"r")")));
}

TEST_P(SubscribeTest, ARepeatDuringAnOutageIsAnsweredOnceItIsLive) {
    broker_.set_instant(false);
    auto alice = connect("alice");
    alice->ask(kSubscribe);
    pass(2s);
    alice->take();
    alice->ask(R"({"type":"subscribe","id":2,"channel":"r","listen":["broadcast"]})");
    broker_.confirm_all();
    settle();
    EXPECT_THAT(
        alice->take(),
        ElementsAre(R"({"type":"subscribed","id":2,"channel":"r","listen":["broadcast"]})"));
    alice->ask(R"({"type":"unsubscribe","channel":"r"})");
    pass(5s);
    EXPECT_EQ(sum(&ShardMetrics::channels), 0U);
}

TEST_P(SubscribeTest, RepeatsDuringAnOutageDoNotPileUp) {
    broker_.set_instant(false);
    auto alice = connect("alice");
    for (int i = 0; i < 10; ++i) {
        alice->ask(kSubscribe);
        alice->ask(kSubscribe);
        pass(2s);
        EXPECT_EQ(alice->take().size(), 2U);
    }
    broker_.confirm_all();
    settle();
    EXPECT_THAT(alice->take(), IsEmpty());
    EXPECT_EQ(sum(&ShardMetrics::subscriptions), 1U);
}

TEST_P(SubscribeTest, UnsubscribeDuringAnOutageAnswersBoth) {
    broker_.set_instant(false);
    auto alice = connect("alice");
    alice->say(kSubscribe);
    EXPECT_THAT(alice->ask(R"({"type":"unsubscribe","id":2,"channel":"r"})"),
                ElementsAre(HasSubstr(R"("id":1,"code":4500)"),
                            R"({"type":"unsubscribed","id":2,"channel":"r"})"));
    broker_.confirm_all();
    settle();
    EXPECT_THAT(alice->take(), IsEmpty());
    EXPECT_EQ(sum(&ShardMetrics::subscriptions), 0U);
}

TEST_P(SubscribeTest, ASessionThatEndsWhileItWaitsLeavesNothing) {
    broker_.set_instant(false);
    connect("alice")->say(kSubscribe);
    settle();
    pass(5s);
    EXPECT_EQ(sum(&ShardMetrics::channels), 0U);
    EXPECT_THAT(broker_.subscribed(), IsEmpty());
}

TEST_P(SubscribeTest, TwoAskedForInOneGoAreBothAnsweredInOrder) {
    broker_.set_instant(false);
    auto alice = connect("alice");
    alice->say(kSubscribe);
    alice->say(R"({"type":"subscribe","id":2,"channel":"r","listen":["broadcast","presence"]})");
    settle();
    broker_.confirm_all();
    settle();
    EXPECT_THAT(
        alice->take(),
        ElementsAre(
            kSubscribed,
            R"({"type":"subscribed","id":2,"channel":"r","listen":["broadcast","presence"]})",
            R"({"type":"presence_sync","channel":"r","users":[]})"));
}

TEST_P(SubscribeTest, ACommandDoesNotOvertakeAnOlderOneThatWaitsForTheStore) {
    store_.set_instant(false);
    auto alice = connect("alice");
    alice->ask(R"({"type":"subscribe","id":1,"channel":"r","listen":["broadcast","presence"]})");
    EXPECT_THAT(alice->ask(R"({"type":"subscribe","id":2,"channel":"r","listen":["broadcast"]})"),
                IsEmpty());
    store_.do_all();
    settle();
    EXPECT_THAT(
        alice->take(),
        ElementsAre(
            R"({"type":"subscribed","id":1,"channel":"r","listen":["broadcast","presence"]})",
            R"({"type":"presence_sync","channel":"r","users":[]})",
            R"({"type":"subscribed","id":2,"channel":"r","listen":["broadcast"]})"));
}

TEST_P(SubscribeTest, ABrokerThatConfirmsFirstDoesNotReorderWhatWaits) {
    broker_.set_instant(false);
    store_.set_instant(false);
    auto alice = connect("alice");
    alice->ask(R"({"type":"subscribe","id":1,"channel":"r","listen":["broadcast","presence"]})");
    alice->ask(R"({"type":"subscribe","id":2,"channel":"r","listen":["broadcast"]})");
    broker_.confirm_all();
    settle();
    EXPECT_THAT(alice->take(), IsEmpty());
    store_.do_all();
    settle();
    EXPECT_THAT(
        alice->take(),
        ElementsAre(HasSubstr(R"("id":1,)"), HasSubstr("presence_sync"), HasSubstr(R"("id":2,)")));
}

// ---- gaps ----

TEST_P(SubscribeTest, AGapOfTheBrokerIsToldToVersionedListenersAndCountedForOthers) {
    auto base = connect("alice");
    auto versioned = connect_versioned("bob");
    base->ask(kSubscribe);
    versioned->ask(kSubscribe);
    base->take();
    broker_.sink().on_gap(channel_named("r"));
    settle();
    EXPECT_THAT(versioned->take(),
                ElementsAre(R"({"type":"gap","channel":"r","reason":"broker"})"));
    EXPECT_THAT(base->take(), IsEmpty());
    EXPECT_EQ(sum(&ShardMetrics::gaps), 1U);
    EXPECT_EQ(sum(&ShardMetrics::gaps_untold), 1U);
}

TEST_P(SubscribeTest, AVersionedConnectionIsWelcomedFirst) {
    auto alice = connect("alice", {.identity = {}, .is_versioned = true, .peer = {}});
    const auto heard = alice->take();
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_THAT(heard[0], HasSubstr(R"("type":"welcome","connection_id":"0000000000000abc-)"));
    EXPECT_THAT(heard[0], HasSubstr(R"("user_id":"alice")"));
}

}  // namespace
}  // namespace roomcast

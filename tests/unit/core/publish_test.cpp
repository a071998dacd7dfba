// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/core/core_test.hpp"

namespace roomcast {
namespace {

using namespace std::chrono_literals;

class PublishTest : public CoreTest {
protected:
    std::unique_ptr<TestClient> connect_listener(std::string user_id) {
        auto client = connect(std::move(user_id));
        client->ask(R"({"type":"subscribe","channel":"r","listen":["broadcast"]})");
        return client;
    }
};

INSTANTIATE_CORE_TEST(PublishTest);

constexpr auto kWithId = R"({"type":"broadcast","id":"b","channel":"r","event":"e"})";
constexpr auto kAck = R"({"type":"ack","id":"b","ts":1620000000000})";

TEST_P(PublishTest, IsAcknowledgedWhenTheBrokerTookIt) {
    broker_.set_instant(false);
    auto alice = connect("alice");
    EXPECT_THAT(alice->ask(kWithId), IsEmpty());
    broker_.deliver_all();
    settle();
    EXPECT_THAT(alice->take(), ElementsAre(kAck));
}

TEST_P(PublishTest, IsAnsweredWithAnErrorWhenTheBrokerDidNotTakeIt) {
    broker_.set_instant(false);
    auto alice = connect("alice");
    alice->say(R"({"type":"broadcast","channel":"r","event":"without id"})");
    alice->ask(kWithId);
    broker_.refuse_publishes(Errc::unavailable);
    settle();
    const auto heard = alice->take();
    ASSERT_EQ(heard.size(), 2U);
    EXPECT_THAT(heard[0], HasSubstr(R"({"type":"error","code":4500)"));
    EXPECT_THAT(heard[1], HasSubstr(R"({"type":"error","id":"b","code":4500)"));
}

TEST_P(PublishTest, ASenderThatDoesNotWantItsEchoIsLeftOut) {
    auto alice = connect_listener("alice");
    auto same_user = connect_listener("alice");
    EXPECT_THAT(
        alice->ask(R"({"type":"broadcast","id":"b","channel":"r","event":"e","self":false})"),
        ElementsAre(kAck));
    EXPECT_EQ(same_user->take().size(), 1U);
}

TEST_P(PublishTest, KeepsTheOrderOfOneSender) {
    auto alice = connect_listener("alice");
    auto bob = connect_listener("bob");
    for (int i = 0; i < 100; ++i) {
        alice->say(R"({"type":"broadcast","channel":"r","event":"e)" + std::to_string(i) + "\"}");
    }
    settle();
    const auto heard = bob->take();
    ASSERT_EQ(heard.size(), 100U);
    EXPECT_EQ(alice->take(), heard);
    for (int i = 0; i < 100; ++i) {
        EXPECT_THAT(heard[static_cast<std::size_t>(i)],
                    HasSubstr(R"("event":"e)" + std::to_string(i) + '"'));
    }
}

TEST_P(PublishTest, RecordsTheTimeToTheSocketOncePerReceiver) {
    auto alice = connect_listener("alice");
    auto bob = connect_listener("bob");
    alice->ask(kWithId);
    std::uint64_t recorded = 0;
    for (ShardIndex i = 0; i < GetParam(); ++i) {
        for (const Counter& bucket : hub().shard(i).metrics().publish_to_socket.buckets()) {
            recorded += bucket.value();
        }
    }
    EXPECT_EQ(recorded, 2U);
    EXPECT_EQ(sum(&ShardMetrics::deliveries), 2U);
}

// ---- idempotency keys ----

constexpr auto kWithKey = R"({"type":"broadcast","id":1,"channel":"r","event":"e","key":"k"})";

TEST_P(PublishTest, ARepeatOfAKeyIsAcknowledgedWithTheFirstResultAndNotSent) {
    auto alice = connect("alice");
    auto bob = connect_listener("bob");
    EXPECT_THAT(alice->ask(kWithKey), ElementsAre(R"({"type":"ack","id":1,"ts":1620000000000})"));
    pass(1s);
    EXPECT_THAT(alice->ask(kWithKey), ElementsAre(R"({"type":"ack","id":1,"ts":1620000000000})"));
    EXPECT_EQ(bob->take().size(), 1U);
    EXPECT_EQ(sum(&ShardMetrics::idempotent_repeats), 1U);
}

TEST_P(PublishTest, KeysAreThoseOfAUserAndChannel) {
    auto alice = connect("alice");
    auto bob = connect_listener("bob");
    alice->ask(kWithKey);
    bob->ask(kWithKey);
    alice->ask(R"({"type":"broadcast","channel":"other","event":"e","key":"k"})");
    EXPECT_EQ(sum(&ShardMetrics::publications_delivered), 3U);
}

TEST_P(PublishTest, ARepeatWhileTheFirstIsPendingGetsItsAnswer) {
    broker_.set_instant(false);
    auto alice = connect("alice");
    alice->say(kWithKey);
    alice->ask(kWithKey);
    EXPECT_EQ(broker_.waiting_publishes(), 1U);
    broker_.deliver_all();
    settle();
    EXPECT_EQ(alice->take().size(), 2U);
}

TEST_P(PublishTest, OnlySuccessIsRemembered) {
    broker_.set_instant(false);
    auto alice = connect("alice");
    alice->say(kWithKey);
    alice->ask(kWithKey);
    broker_.refuse_publishes(Errc::unavailable);
    settle();
    EXPECT_THAT(alice->take(), ElementsAre(HasSubstr("4500"), HasSubstr("4500")));
    alice->ask(kWithKey);
    EXPECT_EQ(broker_.waiting_publishes(), 1U);
}

TEST_P(PublishTest, AKeyIsForgottenAfterFiveMinutes) {
    auto alice = connect("alice");
    alice->ask(kWithKey);
    pass(5min);
    alice->ask(kWithKey);
    EXPECT_EQ(sum(&ShardMetrics::publications_delivered), 2U);
}

TEST_P(PublishTest, TheOldestKeyIsForgottenWhenThereAreTooMany) {
    limits_.idempotency_keys = 2 * std::size_t{GetParam()};
    auto alice = connect("alice");
    const auto key = [](int i) {
        return R"({"type":"broadcast","channel":"r","event":"e","key":")" + std::to_string(i) +
               "\"}";
    };
    for (const int i : {1, 2, 3, 3, 2, 1})
        alice->ask(key(i));
    EXPECT_EQ(sum(&ShardMetrics::publications_delivered), 4U);
}

}  // namespace
}  // namespace roomcast

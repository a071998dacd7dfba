// SPDX-License-Identifier: Apache-2.0
// What a node asks of Redis, and when, with a Redis and a clock that the test plays.
#include "stores/redis_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stores/redis_scripts.hpp"
#include "tests/support/fake_executor.hpp"
#include "tests/support/fake_loop.hpp"
#include "tests/support/fake_redis_client.hpp"

namespace roomcast {
namespace {

using namespace std::chrono_literals;
using test::array_value;
using test::integer_value;
using test::text_value;
using testing::ElementsAre;
using testing::IsEmpty;

class RedisPresenceNodeTest : public testing::Test, public PresenceSink {
protected:
    static RedisPresenceOptions options() {
        RedisPresenceOptions options;
        options.presence_ttl = 40s;  // lease 20 s, beat 5 s, own check 14 s
        options.mailbox_entries = 3;
        return options;
    }

    void SetUp() override {
        auto client = std::make_unique<test::FakeRedisClient>();
        client_ = client.get();
        node_ = std::make_unique<RedisPresenceNode>(
            shared_, loop_, std::move(client), *this, executor_);
        node_->start();
    }

    void on_event(PresenceEvent event) override { told_.push_back("event " + event.entry.user_id); }

    void on_lost(const ChannelName&) override { told_.emplace_back("lost"); }

    void on_store_state(bool is_connected, std::string_view) override {
        told_.emplace_back(is_connected ? "up" : "down");
    }

    void connect() {
        client_->connect();
        EXPECT_TRUE(beat(1));
    }

    bool beat(int answer) {
        return client_->answer(scripts_.beat, array_value({integer_value(answer)}));
    }

    /// Lets time pass; each beat is answered.
    void pass(std::chrono::milliseconds time) {
        for (; time > 0ms; time -= 500ms) {
            loop_.advance(500ms);
            (void)beat(1);
        }
    }

    void join(const std::string& user) {
        shared_.pending.fetch_add(1);
        node_->put({room_, user, nullptr}, UpsertKind::join, [this](Result<void> result) {
            told_.emplace_back(result ? "joined" : "refused");
        });
    }

    void leave(const std::string& user) {
        shared_.pending.fetch_add(1);
        node_->leave(room_, user, [this](Result<void> result) {
            told_.emplace_back(result ? "left" : "refused");
        });
    }

    void snapshot() {
        shared_.pending.fetch_add(1);
        node_->snapshot(room_, [this](Result<PresenceSnapshot> result) {
            told_.push_back(result ? "snapshot " + std::to_string(result->sequence) : "refused");
        });
    }

    /// Answers what a snapshot asks for.
    bool answer_snapshot(const std::string& sequence) {
        return client_->answer("HLEN", integer_value(0)) &&
               client_->answer("MULTI", array_value({text_value(sequence), array_value({})}));
    }

    void event(const std::string& user, std::uint64_t sequence) {
        node_->on_message("presence.room",
                          R"({"type":"presence_join","user_id":")" + user + R"(","seq":)" +
                              std::to_string(sequence) + "}");
        node_->on_batch_end();
    }

    std::vector<std::string> told() {
        executor_.run();
        return std::exchange(told_, {});
    }

    void watch() {
        node_->watch(room_);
        node_->on_subscribed("presence.room", false);
    }

    const RedisPresenceScripts& scripts_ = redis_presence_scripts();
    const ChannelName room_ = *ChannelName::make("room");
    test::FakeLoop loop_;
    test::FakeExecutor executor_;
    RedisPresenceShared shared_{options()};
    test::FakeRedisClient* client_ = nullptr;
    std::vector<std::string> told_;
    std::unique_ptr<RedisPresenceNode> node_;
};

TEST_F(RedisPresenceNodeTest, WritesNothingBeforeItsFirstBeatIsAcknowledged) {
    join("alice");
    client_->connect();
    EXPECT_EQ(client_->calls.size(), 1U);
    EXPECT_EQ(client_->find(scripts_.beat)->arguments.at(3), "1") << "the first beat of the id";
    EXPECT_TRUE(beat(1));
    EXPECT_EQ(client_->count("SADD"), 1U);
    EXPECT_THAT(told(), ElementsAre("up"));
}

TEST_F(RedisPresenceNodeTest, NamesTheChannelToReapersBeforeTheFirstJoin) {
    connect();
    join("alice");
    join("bob");
    EXPECT_EQ(client_->count("SADD"), 1U);
    EXPECT_EQ(client_->count(scripts_.upsert), 0U);
    EXPECT_TRUE(client_->answer("SADD", integer_value(1)));
    EXPECT_EQ(client_->count(scripts_.upsert), 2U);
    EXPECT_TRUE(client_->answer(scripts_.upsert, text_value("1")));
    EXPECT_THAT(told(), ElementsAre("up", "joined"));
    EXPECT_EQ(shared_.pending, 1U);
}

TEST_F(RedisPresenceNodeTest, RefusesAfterTwoSecondsWithoutRedis) {
    join("alice");
    loop_.advance(1'999ms);
    EXPECT_THAT(told(), IsEmpty());
    loop_.advance(1ms);
    EXPECT_THAT(told(), ElementsAre("refused"));
    EXPECT_EQ(shared_.pending, 0U);
}

TEST_F(RedisPresenceNodeTest, StopsWritingWhenItsLastAcknowledgedBeatIsTooOld) {
    connect();
    loop_.advance(14s);
    EXPECT_FALSE(shared_.is_connected);
    EXPECT_THAT(told(), ElementsAre("up", "down"));
    join("alice");
    EXPECT_EQ(client_->count("SADD"), 0U);
    EXPECT_EQ(client_->count(scripts_.beat), 1U) << "one at a time";
    // Its answer speaks of the moment when it was sent.
    EXPECT_TRUE(beat(1));
    EXPECT_EQ(client_->count("SADD"), 1U);
    EXPECT_THAT(told(), ElementsAre("up"));
}

TEST_F(RedisPresenceNodeTest, IsUnreadyFromTheFirstBeatThatRedisRefusesUntilOneIsTaken) {
    connect();
    loop_.advance(6s);
    for (int attempt = 0; attempt < 2; ++attempt) {
        EXPECT_TRUE(client_->answer(scripts_.beat, redis::Error{redis::Fault::refused, "OOM"}));
        EXPECT_FALSE(shared_.is_connected);
        loop_.advance(2s);
    }
    EXPECT_THAT(told(), ElementsAre("up", "down"));
    EXPECT_TRUE(beat(1));
    EXPECT_TRUE(shared_.is_connected);
    EXPECT_THAT(told(), ElementsAre("up"));
}

TEST_F(RedisPresenceNodeTest, AfterRefusedBeatsALostLeaseIsHeldAnew) {
    connect();
    loop_.advance(6s);
    EXPECT_TRUE(client_->answer(scripts_.beat, redis::Error{redis::Fault::refused, "OOM"}));
    loop_.advance(9s);  // the lease was acknowledged 15 s ago
    EXPECT_TRUE(beat(1));
    EXPECT_TRUE(shared_.is_connected);
    EXPECT_THAT(told(), ElementsAre("up", "down", "down", "up"));
}

TEST_F(RedisPresenceNodeTest, AFencedNodePutsBackItsUsersUnderANewId) {
    connect();
    join("alice");
    EXPECT_TRUE(client_->answer("SADD", integer_value(1)));
    const std::string old_id = client_->find(scripts_.upsert)->arguments.at(1);
    EXPECT_TRUE(client_->answer(scripts_.upsert, text_value("1")));
    EXPECT_THAT(told(), ElementsAre("up", "joined"));
    loop_.advance(6s);
    EXPECT_TRUE(beat(0));
    EXPECT_THAT(told(), ElementsAre("down"));
    EXPECT_EQ(client_->find(scripts_.beat)->arguments.at(3), "1");
    EXPECT_TRUE(beat(1));
    EXPECT_TRUE(client_->answer("SADD", integer_value(1)));
    const auto* restore = client_->find(scripts_.upsert);
    ASSERT_TRUE(restore);
    EXPECT_EQ(restore->arguments.at(2), "restore");
    EXPECT_NE(restore->arguments.at(1), old_id);
    EXPECT_EQ(shared_.counters.fenced.value(), 1U);
}

TEST_F(RedisPresenceNodeTest, WhoIsLeavingIsNotPutBack) {
    connect();
    join("alice");
    EXPECT_TRUE(client_->answer("SADD", integer_value(1)));
    EXPECT_TRUE(client_->answer(scripts_.upsert, text_value("1")));
    client_->disconnect();
    leave("alice");
    client_->connect();
    EXPECT_TRUE(beat(0));
    EXPECT_TRUE(beat(1));
    EXPECT_EQ(client_->count(scripts_.upsert), 0U);
    EXPECT_EQ(client_->count("SADD"), 0U);
}

TEST_F(RedisPresenceNodeTest, WhatWasWrittenLastIsWrittenAgainAfterAReconnect) {
    connect();
    join("early");
    EXPECT_TRUE(client_->answer("SADD", integer_value(1)));
    EXPECT_TRUE(client_->answer(scripts_.upsert, text_value("1")));
    pass(12s);
    join("alice");
    leave("bob");
    client_->disconnect();
    client_->connect();
    EXPECT_TRUE(beat(1));
    ASSERT_EQ(client_->count(scripts_.upsert), 1U);
    EXPECT_EQ(client_->find(scripts_.upsert)->arguments.at(0), "alice");
    ASSERT_EQ(client_->count(scripts_.leave), 1U);
    EXPECT_EQ(client_->find(scripts_.leave)->arguments.at(4), "bob");
}

TEST_F(RedisPresenceNodeTest, ATouchThatFindsNothingPutsTheUsersBack) {
    connect();
    join("alice");
    EXPECT_TRUE(client_->answer("SADD", integer_value(1)));
    EXPECT_TRUE(client_->answer(scripts_.upsert, text_value("1")));
    pass(15s);
    EXPECT_TRUE(client_->answer(
        scripts_.touch, array_value({integer_value(0), integer_value(0), text_value("0")})));
    ASSERT_TRUE(client_->find(scripts_.upsert));
    EXPECT_EQ(client_->find(scripts_.upsert)->arguments.at(2), "restore");
}

TEST_F(RedisPresenceNodeTest, ASnapshotWaitsForTheSubscription) {
    connect();
    node_->watch(room_);
    EXPECT_TRUE(client_->subscribed.contains("presence.room"));
    snapshot();
    EXPECT_EQ(client_->count("HLEN"), 0U);
    node_->on_subscribed("presence.room", false);
    EXPECT_TRUE(answer_snapshot("5000"));
    EXPECT_THAT(told(), ElementsAre("up", "snapshot 5000"));
}

TEST_F(RedisPresenceNodeTest, AMissingNumberIsReportedOnceBeforeTheEvent) {
    connect();
    watch();
    snapshot();
    EXPECT_TRUE(answer_snapshot("5000"));
    event("a", 5'001);
    EXPECT_THAT(told(), ElementsAre("up", "snapshot 5000", "event a"));
    event("c", 5'003);
    event("e", 5'005);
    EXPECT_THAT(told(), ElementsAre("lost", "event c", "event e"));
    snapshot();
    event("f", 5'007);
    EXPECT_THAT(told(), ElementsAre("lost", "event f")) << "the snapshot may be older than this";
    EXPECT_EQ(shared_.counters.gaps.value(), 3U);
}

TEST_F(RedisPresenceNodeTest, ASnapshotAfterALossOfDataWaitsUntilAllHavePutBackTheirUsers) {
    connect();
    watch();
    snapshot();
    EXPECT_TRUE(answer_snapshot("5000"));
    event("a", 900'000);
    EXPECT_THAT(told(), ElementsAre("up", "snapshot 5000", "lost", "event a"));
    snapshot();
    EXPECT_EQ(client_->count("HLEN"), 0U);
    pass(15s);  // a third of the TTL and a second
    EXPECT_THAT(told(), ElementsAre("refused", "lost")) << "what it has gathered is too old";
    snapshot();
    EXPECT_TRUE(answer_snapshot("900001"));
    EXPECT_THAT(told(), ElementsAre("snapshot 900001"));
}

TEST_F(RedisPresenceNodeTest, ASnapshotThatIsOlderThanWhatIsKnownIsTakenAgainLater) {
    connect();
    watch();
    snapshot();
    EXPECT_TRUE(answer_snapshot("5000"));
    EXPECT_THAT(told(), ElementsAre("up", "snapshot 5000"));
    client_->disconnect();
    client_->connect();
    EXPECT_TRUE(beat(1));
    node_->on_subscribed("presence.room", true);
    node_->on_batch_end();
    EXPECT_THAT(told(), ElementsAre("down", "up", "lost"));
    snapshot();
    EXPECT_TRUE(answer_snapshot("0")) << "Redis has come back empty";
    EXPECT_THAT(told(), IsEmpty());
    pass(15s);
    EXPECT_THAT(told(), ElementsAre("refused", "lost"));
    snapshot();
    EXPECT_TRUE(answer_snapshot("0"));
    EXPECT_THAT(told(), ElementsAre("snapshot 0"));
}

TEST_F(RedisPresenceNodeTest, EventsThatNobodyHandlesAreDroppedAndReportedOnce) {
    connect();
    watch();
    (void)told();
    for (std::uint64_t i = 1; i <= 10; ++i)
        event("user" + std::to_string(i), i);
    EXPECT_THAT(told(), ElementsAre("event user1", "event user2", "event user3", "lost"));
    event("late", 11);
    EXPECT_THAT(told(), ElementsAre("event late"));
    EXPECT_EQ(shared_.counters.events_dropped.value(), 7U);
}

TEST_F(RedisPresenceNodeTest, AnEventWithoutANumberIsPassedOn) {
    connect();
    watch();
    snapshot();
    EXPECT_TRUE(answer_snapshot("5000"));
    node_->on_message("presence.room", R"({"type":"presence_leave","user_id":"x"})");
    event("a", 5'001);
    EXPECT_THAT(told(), ElementsAre("up", "snapshot 5000", "event x", "event a"));
}

TEST_F(RedisPresenceNodeTest, AStopWaitsForWhatIsUnderWayAndHandsTheUsersOver) {
    connect();
    join("alice");
    EXPECT_TRUE(client_->answer("SADD", integer_value(1)));
    bool is_stopped = false;
    node_->stop([&] { is_stopped = true; });
    loop_.advance(100ms);
    EXPECT_EQ(client_->count(scripts_.retire), 0U);
    EXPECT_TRUE(client_->answer(scripts_.upsert, text_value("1")));
    loop_.advance(100ms);
    EXPECT_EQ(client_->find(scripts_.retire)->arguments.at(1), "5000");
    EXPECT_FALSE(is_stopped);
    EXPECT_TRUE(client_->answer(scripts_.retire, integer_value(1)));
    EXPECT_TRUE(is_stopped);
}

TEST_F(RedisPresenceNodeTest, AStopThatRedisDoesNotAnswerEndsAllTheSame) {
    connect();
    join("alice");
    bool is_stopped = false;
    node_->stop([&] { is_stopped = true; });
    loop_.advance(3s);
    EXPECT_TRUE(is_stopped);
}

}  // namespace
}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Nodes that share their presence through a real Redis, and what may go wrong between them.
#include <regex>

#include <gmock/gmock.h>

#include "tests/support/presence_node.hpp"
#include "tests/support/redis_server.hpp"
#include "util/random.hpp"

namespace roomcast::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

using Words = std::vector<std::string>;

class RedisPresenceTest : public testing::Test {
protected:
    void SetUp() override {
        ROOMCAST_SKIP_WITHOUT_REDIS();
        server_ = std::make_unique<RedisServer>();
    }

    std::unique_ptr<PresenceNode> make_node(RedisPresenceOptions options = quick_presence()) {
        return std::make_unique<PresenceNode>(server_->port(), std::move(options));
    }

    RedisReply redis(const Words& words) { return server_->command(words); }

    /// Written as the replaced service writes it.
    void base_gateway(const std::string& type,
                      const std::string& user,
                      const std::string& meta,
                      std::int64_t updated_at) {
        const std::string entry = R"({"user_id":")" + user + R"(","meta":)" + meta +
                                  R"(,"updated_at":)" + std::to_string(updated_at) + "}";
        if (type == "presence_leave") {
            redis({"HDEL", "presence:room", user});
        } else {
            redis({"HSET", "presence:room", user, entry});
        }
        redis({"EXPIRE", "presence:room", "60"});
        redis({"PUBLISH",
               "presence.room",
               R"({"type":")" + type + R"(","channel_id":"room","user_id":")" + user +
                   R"(","meta":)" + entry + R"(,"ts":1620000000000})"});
    }

    std::string owners_of(const std::string& user) {
        return redis({"HGET", "rc:{presence:room}:own", user}).describe();
    }

    const ChannelName room_ = *ChannelName::make("room");
    std::unique_ptr<RedisServer> server_;
};

TEST_F(RedisPresenceTest, UsersOfAKilledNodeLeaveOnceAndThoseWithAnotherNodeStay) {
    auto killed = make_node();
    auto other = make_node();
    auto observer = make_node();
    EXPECT_TRUE(killed->join(room_, "alice", R"({"n":1})"));
    EXPECT_TRUE(killed->join(room_, "bob"));
    EXPECT_TRUE(other->join(room_, "bob"));
    observer->listen(room_);
    const auto begin = std::chrono::steady_clock::now();
    killed->crash();
    EXPECT_TRUE(observer->hears(room_, "leave alice"));
    RecordProperty("milliseconds_to_the_leave",
                   static_cast<int>((std::chrono::steady_clock::now() - begin) / 1ms));
    // Until the second pass is over, and the dead node is forgotten.
    EXPECT_TRUE(eventually([&] { return redis({"ZCARD", "rc:{nodes}:dead"}).integer == 0; }));
    EXPECT_THAT(observer->hearing(room_).story, ElementsAre("leave alice"));
    EXPECT_TRUE(observer->sees(room_, {{"bob", ""}}));
    EXPECT_EQ(redis({"HLEN", "rc:{nodes}:reaped"}).integer, 0);
    EXPECT_EQ(redis({"ZCARD", "rc:{nodes}:live"}).integer, 2);
    EXPECT_EQ(redis({"KEYS", "rc:{*}:ch"}).items.size(), 1U);
    EXPECT_EQ(other->figure("roomcast_presence_reaped_users_total") +
                  observer->figure("roomcast_presence_reaped_users_total"),
              1);
}

TEST_F(RedisPresenceTest, WritesWhatAGatewayOfTheReplacedServiceReads) {
    auto connection = server_->connect();
    (void)connection->command({"SUBSCRIBE", "presence.room"});
    auto node = make_node();
    EXPECT_TRUE(node->join(room_, "alice", R"({"n":12345678901234567890})"));
    EXPECT_TRUE(node->join(room_, "bob"));
    EXPECT_THAT(
        redis({"HGET", "presence:room", "alice"}).text,
        testing::MatchesRegex(
            R"(\{"user_id":"alice","meta":\{"n":12345678901234567890\},"updated_at":[0-9]+\})"));
    EXPECT_THAT(redis({"HGET", "presence:room", "bob"}).text,
                testing::MatchesRegex(R"(\{"user_id":"bob","meta":null,"updated_at":[0-9]+\})"));
    EXPECT_EQ(redis({"HLEN", "presence:room"}).integer, 2);
    EXPECT_GT(redis({"PTTL", "presence:room"}).integer, 0);
    EXPECT_TRUE(node->update(room_, "alice", "{}"));
    EXPECT_TRUE(node->leave(room_, "alice"));
    const auto message = [&] { return connection->read_reply().items.at(2).text; };
    EXPECT_THAT(
        message(),
        testing::MatchesRegex(
            R"(\{"type":"presence_join","channel_id":"room","user_id":"alice","meta":\{"user_id":"alice","meta":\{"n":12345678901234567890\},"updated_at":[0-9]{10}\},"ts":[0-9]{13},"seq":[0-9]{16},"node":"[0-9a-f]{16}"\})"));
    EXPECT_THAT(message(), testing::HasSubstr(R"({"user_id":"bob","meta":null,"updated_at":)"));
    EXPECT_THAT(message(),
                testing::StartsWith(R"({"type":"presence_update","channel_id":"room",)"));
    EXPECT_THAT(
        message(),
        testing::MatchesRegex(
            R"(\{"type":"presence_leave","channel_id":"room","user_id":"alice","meta":\{"user_id":"","meta":null,"updated_at":0\},"ts":[0-9]{13},"seq":[0-9]{16},"node":"[0-9a-f]{16}"\})"));
    EXPECT_EQ(redis({"HEXISTS", "presence:room", "alice"}).integer, 0);
}

TEST_F(RedisPresenceTest, HearsWhatAGatewayOfTheReplacedServiceWrites) {
    auto node = make_node();
    base_gateway("presence_join", "before", R"({"a":1})", 1'620'000'000);
    node->listen(room_);
    EXPECT_TRUE(node->sees(room_, {{"before", R"({"a":1})"}}));
    base_gateway("presence_join", "carol", R"({"b":2})", 4'000'000'000);
    base_gateway("presence_update", "carol", R"({"b":3})", 4'000'000'000);
    EXPECT_TRUE(node->join(room_, "alice"));
    base_gateway("presence_leave", "carol", "null", 0);
    EXPECT_TRUE(node->hears(room_, "leave carol"));
    const auto story = node->hearing(room_).story;
    EXPECT_THAT(story, Contains("join carol {\"b\":2}"));
    EXPECT_THAT(story, Contains("update carol {\"b\":3}"));
    // Nobody renews it: it was left behind by a gateway that is gone.
    EXPECT_TRUE(node->hears(room_, "leave before"));
    EXPECT_TRUE(node->sees(room_, {{"alice", ""}}));
    EXPECT_EQ(node->figure("roomcast_presence_repairs_total", "foreign"), 1);
    EXPECT_THAT(node->hearing(room_).contradictions, IsEmpty());
}

TEST_F(RedisPresenceTest, AHashOfTheReplacedServiceThatExpiresSilentlyIsNoticed) {
    auto node = make_node();
    node->listen(room_);
    base_gateway("presence_join", "carol", "{}", 4'000'000'000);
    EXPECT_TRUE(node->hears(room_, "join carol {}"));
    redis({"DEL", "presence:room"});
    EXPECT_TRUE(node->hears(room_, "leave carol"));
}

TEST_F(RedisPresenceTest, AStopHandsTheUsersOverWithoutFlicker) {
    auto stopping = make_node();
    auto staying = make_node();
    EXPECT_TRUE(stopping->join(room_, "alice", "{}"));
    EXPECT_TRUE(stopping->join(room_, "bob"));
    staying->listen(room_);
    stopping->stop();
    EXPECT_EQ(redis({"ZCARD", "rc:{nodes}:dead"}).integer, 1);
    EXPECT_TRUE(staying->join(room_, "alice", "{}"));
    EXPECT_TRUE(staying->hears(room_, "leave bob"));
    EXPECT_TRUE(eventually([&] { return redis({"ZCARD", "rc:{nodes}:dead"}).integer == 0; }));
    EXPECT_THAT(staying->hearing(room_).story, ElementsAre("leave bob"));
}

TEST_F(RedisPresenceTest, AStopWithoutUsersLeavesNothingBehind) {
    auto node = make_node();
    EXPECT_TRUE(node->join(room_, "alice"));
    EXPECT_TRUE(node->leave(room_, "alice"));
    node->stop();
    EXPECT_EQ(redis({"ZCARD", "rc:{nodes}:live"}).integer, 0);
    EXPECT_EQ(redis({"ZCARD", "rc:{nodes}:dead"}).integer, 0);
    EXPECT_THAT(redis({"KEYS", "rc:{*}:ch"}).items, IsEmpty());
}

TEST_F(RedisPresenceTest, ANodeThatWasAwayTooLongComesBackUnderANewId) {
    auto stalled = make_node();
    auto observer = make_node();
    EXPECT_TRUE(stalled->join(room_, "alice", "{}"));
    observer->listen(room_);
    stalled->stall(4s);
    EXPECT_TRUE(observer->hears(room_, "leave alice"));
    EXPECT_TRUE(observer->hears(room_, "join alice {}"));
    EXPECT_TRUE(eventually([&] { return redis({"ZCARD", "rc:{nodes}:dead"}).integer == 0; }));
    EXPECT_THAT(observer->hearing(room_).story, ElementsAre("leave alice", "join alice {}"));
    EXPECT_EQ(stalled->figure("roomcast_presence_fenced_total"), 1);
    EXPECT_TRUE(stalled->store().is_connected());
}

TEST_F(RedisPresenceTest, DataThatRedisLosesIsPutBackWithoutALeave) {
    auto one = make_node();
    auto two = make_node();
    auto observer = make_node();
    EXPECT_TRUE(one->join(room_, "alice", "{}"));
    EXPECT_TRUE(two->join(room_, "bob"));
    observer->listen(room_);
    redis({"FLUSHALL"});
    EXPECT_TRUE(eventually([&] { return redis({"HLEN", "presence:room"}).integer == 2; }));
    // The snapshot that compares comes when all have had their time.
    const double snapshots = observer->figure("roomcast_presence_snapshots_total");
    EXPECT_TRUE(eventually(
        [&] { return observer->figure("roomcast_presence_snapshots_total") > snapshots; }));
    EXPECT_THAT(observer->hearing(room_).story, IsEmpty());
    EXPECT_TRUE(observer->sees(room_, {{"alice", "{}"}, {"bob", ""}}));
    EXPECT_TRUE(one->leave(room_, "alice"));
    EXPECT_TRUE(observer->hears(room_, "leave alice"));
}

TEST_F(RedisPresenceTest, ARedisThatComesBackEmptyIsFilledWithoutALeave) {
    auto one = make_node();
    auto observer = make_node();
    EXPECT_TRUE(one->join(room_, "alice", "{}"));
    observer->listen(room_);
    server_->restart_empty();
    EXPECT_TRUE(eventually([&] { return redis({"HLEN", "presence:room"}).integer == 1; }));
    EXPECT_TRUE(one->join(room_, "bob"));
    EXPECT_TRUE(observer->hears(room_, "join bob"));
    EXPECT_THAT(observer->hearing(room_).story, ElementsAre("join bob"));
}

TEST_F(RedisPresenceTest, AKeyThatIsEvictedIsPutBack) {
    auto node = make_node();
    node->listen(room_);
    EXPECT_TRUE(node->join(room_, "alice", "{}"));
    for (const char* key : {"presence:room", "rc:{presence:room}:own"}) {
        redis({"DEL", key});
        EXPECT_TRUE(eventually([&] {
            return redis({"HLEN", "presence:room"}).integer == 1 && owners_of("alice") != "(null)";
        })) << key;
    }
    EXPECT_TRUE(node->leave(room_, "alice"));
    EXPECT_TRUE(node->hears(room_, "leave alice"));
    EXPECT_THAT(node->hearing(room_).story, ElementsAre("join alice {}", "leave alice"));
}

TEST_F(RedisPresenceTest, ScriptsThatRedisForgetsAreSentAgain) {
    auto node = make_node();
    EXPECT_TRUE(node->join(room_, "alice"));
    redis({"SCRIPT", "FLUSH"});
    EXPECT_TRUE(node->join(room_, "bob"));
    EXPECT_EQ(redis({"HLEN", "presence:room"}).integer, 2);
}

TEST_F(RedisPresenceTest, ARedisThatHangsMakesNobodyLeave) {
    auto one = make_node();
    auto two = make_node();
    EXPECT_TRUE(one->join(room_, "alice"));
    two->listen(room_);
    redis({"DEBUG", "SLEEP", "4"});
    EXPECT_TRUE(one->join(room_, "bob"));
    EXPECT_TRUE(two->hears(room_, "join bob"));
    EXPECT_THAT(two->hearing(room_).story, ElementsAre("join bob"));
}

TEST_F(RedisPresenceTest, EventsThatALostConnectionHasMissedAreToldAsADifference) {
    auto writer = make_node();
    auto observer = make_node();
    EXPECT_TRUE(writer->join(room_, "gone"));
    observer->listen(room_);
    for (int round = 0; round < 3; ++round) {
        const std::string user = "user" + std::to_string(round);
        redis({"CLIENT", "KILL", "TYPE", "pubsub"});
        EXPECT_TRUE(writer->join(room_, user));
        EXPECT_TRUE(observer->hears(room_, "join " + user));
    }
    EXPECT_TRUE(writer->leave(room_, "gone"));
    EXPECT_TRUE(observer->hears(room_, "leave gone"));
    EXPECT_EQ(observer->hearing(room_).story.size(), 4U);
    EXPECT_THAT(observer->hearing(room_).contradictions, IsEmpty());
}

TEST_F(RedisPresenceTest, UsersOfANodeThatNobodyKnowsLeave) {
    auto node = make_node();
    EXPECT_TRUE(node->join(room_, "alice"));
    node->listen(room_);
    redis({"HSET", "rc:{presence:room}:own", "ghost", "00000000000000ff"});
    redis({"HSET", "presence:room", "ghost", R"({"user_id":"ghost","meta":{},"updated_at":1})"});
    EXPECT_TRUE(eventually([&] { return owners_of("ghost") == "(null)"; }));
    EXPECT_EQ(redis({"HEXISTS", "presence:room", "ghost"}).integer, 0);
    EXPECT_EQ(node->figure("roomcast_presence_repairs_total", "unknown_owner"), 1);
}

TEST_F(RedisPresenceTest, AUserWhomTheNodeDoesNotHoldIsRemovedFromItsName) {
    auto node = make_node();
    node->listen(room_);
    EXPECT_TRUE(node->join(room_, "alice"));
    const std::string id = owners_of("alice");
    // As a fail-over leaves it that has lost the leave.
    redis({"HSET", "rc:{presence:room}:own", "stray", id});
    redis({"HSET", "presence:room", "stray", R"({"user_id":"stray","meta":{},"updated_at":1})"});
    EXPECT_TRUE(eventually([&] { return owners_of("stray") == "(null)"; }));
    EXPECT_EQ(redis({"HKEYS", "presence:room"}).describe(), "[alice]");
    EXPECT_EQ(node->figure("roomcast_presence_repairs_total", "not_held"), 1);
}

TEST_F(RedisPresenceTest, AClockOfRedisThatJumpsMakesNobodyLeaveAndNoGhostStay) {
    auto one = make_node();
    auto two = make_node();
    EXPECT_TRUE(one->join(room_, "alice"));
    two->listen(room_);
    const Words nodes = {redis({"ZRANGE", "rc:{nodes}:live", "0", "-1"}).items.at(0).text,
                         redis({"ZRANGE", "rc:{nodes}:live", "0", "-1"}).items.at(1).text};
    // As the leases look when the clock has gone forward by much.
    redis({"ZADD", "rc:{nodes}:live", "1000", nodes[0], "1000", nodes[1]});
    EXPECT_TRUE(eventually([&] {
        return redis({"ZCOUNT", "rc:{nodes}:live", "1000", "1000"}).integer == 0;
    }));
    // As the lease of a dead node looks when the clock has gone back.
    redis({"ZADD", "rc:{nodes}:live", "9000000000000", "00000000000000aa"});
    redis({"SADD", "rc:{00000000000000aa}:ch", "room"});
    redis({"HSET", "rc:{presence:room}:own", "ghost", "00000000000000aa"});
    redis({"HSET", "presence:room", "ghost", R"({"user_id":"ghost","meta":{},"updated_at":1})"});
    EXPECT_TRUE(eventually([&] { return owners_of("ghost") == "(null)"; }));
    EXPECT_EQ(one->figure("roomcast_presence_fenced_total"), 0);
    EXPECT_EQ(two->figure("roomcast_presence_fenced_total"), 0);
    EXPECT_THAT(two->hearing(room_).story, Not(Contains("leave alice")));
}

TEST_F(RedisPresenceTest, AReaperThatDiesIsReplaced) {
    auto node = make_node();
    EXPECT_TRUE(node->join(room_, "alice"));
    // Claimed by somebody who is not heard of any more.
    const std::int64_t now = std::stoll(redis({"TIME"}).items.at(0).text) * 1'000;
    redis({"ZADD", "rc:{nodes}:dead", std::to_string(now + 2'000), "00000000000000aa"});
    redis({"SADD", "rc:{00000000000000aa}:ch", "room"});
    redis({"HSET", "rc:{presence:room}:own", "ghost", "00000000000000aa"});
    redis({"HSET", "presence:room", "ghost", R"({"user_id":"ghost","meta":{},"updated_at":1})"});
    EXPECT_TRUE(eventually([&] { return redis({"ZCARD", "rc:{nodes}:dead"}).integer == 0; }));
    EXPECT_EQ(redis({"HKEYS", "presence:room"}).describe(), "[alice]");
    EXPECT_EQ(redis({"EXISTS", "rc:{00000000000000aa}:ch"}).integer, 0);
}

TEST_F(RedisPresenceTest, ALargeChannelIsReadWhole) {
    auto node = make_node();
    Words command = {"HSET", "presence:room"};
    for (int i = 0; i < 2'500; ++i) {
        const std::string user = "user" + std::to_string(i);
        command.push_back(user);
        command.push_back(R"({"user_id":")" + user + R"(","meta":{},"updated_at":4000000000})");
    }
    redis(command);
    EXPECT_EQ(node->snapshot(room_).users.size(), 2'500U);
    node->listen(room_);
    EXPECT_EQ(node->hearing(room_).roster.size(), 2'500U);
}

TEST_F(RedisPresenceTest, ManyUsersOfADeadNodeAllLeave) {
    auto killed = make_node();
    auto observer = make_node();
    constexpr std::size_t kUsers = 450;
    Notes<bool> done;
    for (std::size_t i = 0; i < kUsers; ++i) {
        killed->homes().post(room_, [&, i] {
            killed->store().join(room_, "user" + std::to_string(i), nullptr, [&](Result<void> r) {
                done.add(r.has_value());
            });
        });
    }
    ASSERT_TRUE(done.wait_for(kUsers));
    observer->listen(room_);
    EXPECT_EQ(observer->hearing(room_).roster.size(), kUsers);
    killed->crash();
    EXPECT_TRUE(observer->sees(room_, {}));
    EXPECT_EQ(observer->hearing(room_).story.size(), kUsers);
    EXPECT_THAT(observer->hearing(room_).contradictions, IsEmpty());
}

}  // namespace
}  // namespace roomcast::test

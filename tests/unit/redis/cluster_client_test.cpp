// SPDX-License-Identifier: Apache-2.0
#include "redis/cluster_client.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/redis/cluster_fixture.hpp"

namespace roomcast::redis {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::StartsWith;

TEST_F(ClusterClientTest, IsConnectedWhenAllSlotsHaveAnOwnerThatIsConnected) {
    start();
    call("foo");
    EXPECT_THAT(sink_.take(), ElementsAre(StartsWith("foo: not sent")));
    greet("a");
    answer_slots(kHalves);
    EXPECT_FALSE(client_->is_connected());
    greet("b");
    EXPECT_TRUE(client_->is_connected());
    EXPECT_THAT(sink_.take(), ElementsAre("up: Cluster of 2 masters"));
    call("foo");
    call("bar");
    EXPECT_THAT(at("b").take_names(), ElementsAre("GET"));
    at("b").send("+1\r\n");
    at("a").send("+2\r\n");
    EXPECT_THAT(sink_.take(), ElementsAre("foo: 1", "bar: 2"));
}

TEST_F(ClusterClientTest, SaysThatSlotsHaveNoOwner) {
    start();
    greet("a");
    answer_slots("*1\r\n*3\r\n:0\r\n:8191\r\n*2\r\n_\r\n:1\r\n");
    EXPECT_FALSE(client_->is_connected());
    EXPECT_THAT(sink_.take(), ElementsAre("down: the Cluster does not serve all slots"));
}

TEST_F(ClusterClientTest, FollowsMovedAndRemembersIt) {
    connect();
    call("foo");
    at("b").send("-MOVED 12182 a:1\r\n");
    EXPECT_THAT(at("a").take_names(), ElementsAre("CLUSTER", "GET"));
    at("a").send(std::string(kAllAtA) + "+1\r\n");
    EXPECT_THAT(sink_.take(), ElementsAre("foo: 1"));
    at("b").send("+PONG\r\n");
    call("foo");
    EXPECT_THAT(at("a").take_names(), ElementsAre("GET"));
    EXPECT_EQ(client_->figures().redirects, 1U);
}

TEST_F(ClusterClientTest, CallsStayInOrderWhereTheOldOwnerSendsSomeOn) {
    connect();
    for (const char* name : {"1", "2"})
        client_->call("foo", {"GET", name}, sink_.note(name));
    EXPECT_THAT(at("b").take_names(), ElementsAre("GET", "GET"));
    at("b").send("-MOVED 12182 a:1\r\n");
    client_->call("foo", {"GET", "3"}, sink_.note("3"));  // must not overtake the second
    client_->call("bar", {"GET", "bar"}, sink_.note("bar"));
    EXPECT_THAT(at("b").take_names(), ElementsAre("PING"));
    EXPECT_THAT(gets(at("a")), ElementsAre("1", "bar"));
    at("b").send("-MOVED 12182 a:1\r\n+PONG\r\n");
    EXPECT_THAT(gets(at("a")), ElementsAre("2", "3"));
}

TEST_F(ClusterClientTest, CallsThatWaitForTheOldOwnerDoNotWaitForOneThatIsLost) {
    connect();
    call("foo");
    at("b").send("-MOVED 12182 a:1\r\n");
    client_->call("foo", {"GET", "2"}, sink_.note("2"));
    EXPECT_THAT(gets(at("a")), ElementsAre("foo"));
    peer("b")->end("reset");
    EXPECT_THAT(gets(at("a")), ElementsAre("2"));
    client_->call("foo", {"GET", "3"}, sink_.note("3"));
    EXPECT_THAT(gets(at("a")), ElementsAre("3"));
}

TEST_F(ClusterClientTest, StopAnswersWhatWaitsForTheOldOwner) {
    connect();
    call("foo");
    at("b").send("-MOVED 12182 a:1\r\n");
    client_->call("foo", {"GET", "2"}, sink_.note("2"));
    client_->stop();
    EXPECT_THAT(sink_.take(),
                testing::UnorderedElementsAre(StartsWith("foo: interrupted"),
                                              "2: not sent: the client was stopped"));
}

TEST_F(ClusterClientTest, AMapThatIsOlderThanARedirectDoesNotCount) {
    connect();
    call("foo");
    call("a");  // slot 15495
    (void)at("b").take_names();
    at("b").send("-MOVED 12182 a:1\r\n-MOVED 15495 a:1\r\n+PONG\r\n+PONG\r\n");
    EXPECT_THAT(at("a").take_names(), ElementsAre("CLUSTER", "GET", "GET"));
    at("a").send(kHalves);  // asked for between the two
    EXPECT_THAT(at("a").take_names(), ElementsAre("CLUSTER"));
    call("a");
    EXPECT_THAT(at("a").take_names(), ElementsAre("GET"));
    EXPECT_THAT(at("b").take_names(), ElementsAre("PING", "PING"));
}

TEST_F(ClusterClientTest, FollowsAskForThatCallAlone) {
    connect();
    call("foo");
    (void)at("b").take_commands();
    at("b").send("-ASK 12182 a:1\r\n");
    EXPECT_THAT(at("a").take_names(), ElementsAre("ASKING", "GET"));
    at("a").send("+OK\r\n+1\r\n");
    EXPECT_THAT(sink_.take(), ElementsAre("foo: 1"));
    call("foo");
    EXPECT_THAT(at("b").take_names(), ElementsAre("GET"));
}

TEST_F(ClusterClientTest, AnAskedTransactionStaysInOnePiece) {
    connect();
    client_->transaction("foo", {{"INCR", "foo"}}, sink_.note("T"));
    (void)at("b").take_commands();
    at("b").send("+OK\r\n-ASK 12182 a:1\r\n-EXECABORT no\r\n");
    EXPECT_THAT(at("a").take_names(), ElementsAre("ASKING", "MULTI", "INCR", "EXEC"));
    at("a").send("+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n:1\r\n");
    EXPECT_THAT(sink_.take(), ElementsAre("T: "));
}

TEST_F(ClusterClientTest, WaitsForANodeThatARedirectNamesFirst) {
    connect();
    call("foo");
    at("b").send("-MOVED 12182 c:1\r\n");
    EXPECT_THAT(sink_.take(), ElementsAre(StartsWith("down: ")));
    loop_.advance(100ms);
    greet("c");
    loop_.advance(50ms);
    EXPECT_THAT(at("c").take_names(), testing::Contains("GET"));
}

TEST_F(ClusterClientTest, TwoNodesThatNameEachOtherAreNotFollowedForEver) {
    connect();
    call("foo");
    for (int i = 0; i < 10; ++i) {
        const bool is_at_a = i % 2 == 1;
        ScriptedServer& node = is_at_a ? at("a") : at("b");
        std::string answers;
        for (const std::string& name : node.take_names()) {
            if (name == "CLUSTER") answers += kHalves;
            if (name == "PING") answers += "+PONG\r\n";
            if (name == "GET") answers += is_at_a ? "-MOVED 12182 b:1\r\n" : "-MOVED 12182 a:1\r\n";
        }
        if (!answers.empty()) node.send(answers);
    }
    EXPECT_THAT(sink_.take(), ElementsAre(StartsWith("foo: refused: MOVED")));
}

TEST_F(ClusterClientTest, RepeatsWhatFailsInPassingUntilTheDeadlineOfTheCall) {
    connect();
    call("foo");
    (void)at("b").take_commands();
    at("b").send("-TRYAGAIN later\r\n");
    loop_.advance(50ms);
    EXPECT_THAT(at("b").take_names(), ElementsAre("GET"));
    at("b").send("+1\r\n");
    EXPECT_THAT(sink_.take(), ElementsAre("foo: 1"));

    call("foo");
    for (int i = 0; i < 100 && sink_.lines.empty(); ++i) {
        for (const std::string& name : at("b").take_names())
            at("b").send(name == "GET" ? "-CLUSTERDOWN down\r\n" : kHalves);
        loop_.advance(50ms);
    }
    EXPECT_THAT(sink_.take(),
                ElementsAre(testing::AnyOf(StartsWith("foo: refused: CLUSTERDOWN"),
                                           StartsWith("foo: not sent"))));
}

TEST_F(ClusterClientTest, StopAnswersWhatWaitsToBeRepeated) {
    connect();
    call("foo");
    call("bar");
    at("b").send("-TRYAGAIN later\r\n");
    client_->stop();
    EXPECT_THAT(sink_.take(),
                ElementsAre(StartsWith("bar: interrupted"), StartsWith("foo: not sent")));
    client_.reset();
    EXPECT_EQ(loop_.timers().size(), 0U);
}

TEST_F(ClusterClientTest, ALostNodeIsTold) {
    connect();
    call("foo");
    peer("b")->end("reset");
    EXPECT_FALSE(client_->is_connected());
    EXPECT_THAT(sink_.take(), ElementsAre("foo: interrupted: reset", "down: reset (b:1)"));
    loop_.advance(100ms);
    greet("b");
    EXPECT_TRUE(client_->is_connected());
    EXPECT_THAT(sink_.take(), ElementsAre("up: Cluster of 2 masters"));
}

TEST_F(ClusterClientTest, AShardedChannelFollowsItsSlot) {
    connect(true);
    EXPECT_EQ(client_->publish_command(), "SPUBLISH");
    client_->subscribe("foo", "foo");
    loop_.run_posted();
    EXPECT_THAT(at("b").take_names(), ElementsAre("SSUBSCRIBE"));
    at("b").send(ScriptedServer::confirm("ssubscribe", "foo") +
                 ScriptedServer::push("smessage", "foo", "1"));
    EXPECT_THAT(sink_.take(), ElementsAre("subscribed foo", "foo=1"));
    at("b").send(ScriptedServer::confirm("sunsubscribe", "foo"));
    loop_.run_posted();
    EXPECT_THAT(at("b").take_names(), ElementsAre("SSUBSCRIBE"));
    at("b").send("-MOVED 12182 a:1\r\n");
    loop_.run_posted();
    EXPECT_THAT(at("a").take_names(), ElementsAre("CLUSTER", "SSUBSCRIBE"));
    at("a").send(kAllAtA + ScriptedServer::confirm("ssubscribe", "foo") +
                 ScriptedServer::push("smessage", "foo", "2"));
    EXPECT_THAT(sink_.take(), ElementsAre("subscribed foo again", "foo=2"));
}

TEST_F(ClusterClientTest, APlainPublicationIsTakenByTheOwnerOfTheSlotAlone) {
    connect();
    EXPECT_EQ(client_->publish_command(), "PUBLISH");
    client_->publish("foo", "x", sink_.note("publish"));
    const auto commands = at("b").take_commands();
    ASSERT_EQ(commands.size(), 1U);
    EXPECT_EQ(commands[0][0], "EVALSHA");
    EXPECT_THAT(std::vector(commands[0].begin() + 2, commands[0].end()),
                ElementsAre("1", "rc:{foo}:publish", "foo", "x"));
    at("b").send("-MOVED 12182 a:1\r\n");
    EXPECT_THAT(at("a").take_names(), ElementsAre("CLUSTER", "EVALSHA"));
    at("a").send(kAllAtA + std::string(":1\r\n"));
    EXPECT_THAT(sink_.take(), ElementsAre("publish: "));
}

TEST(RedirectTest, ReadsWhatNodesSay) {
    const net::Endpoint from{"10.0.0.1", 7000};
    const auto moved = read_redirect("MOVED 3999 127.0.0.1:6381", from);
    ASSERT_TRUE(moved);
    EXPECT_FALSE(moved->is_ask);
    EXPECT_EQ(moved->slot, 3999);
    EXPECT_EQ(moved->to, (net::Endpoint{"127.0.0.1", 6381}));
    EXPECT_EQ(read_redirect("ASK 1 ::1:6381", from)->to, (net::Endpoint{"::1", 6381}));
    EXPECT_EQ(read_redirect("MOVED 1 :6381", from)->to, (net::Endpoint{"10.0.0.1", 6381}));
    for (const char* error : {"ERR no",
                              "MOVED",
                              "MOVED 1",
                              "MOVED x a:1",
                              "MOVED 16384 a:1",
                              "MOVED 1 a:0",
                              "MOVED 1 a:70000",
                              "MOVED 1 a",
                              "ASK 1 a:"}) {
        EXPECT_FALSE(read_redirect(error, from)) << error;
    }
}

}  // namespace
}  // namespace roomcast::redis

// SPDX-License-Identifier: Apache-2.0
#include "redis/cluster_client.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/redis/recording_sink.hpp"
#include "tests/unit/redis/scripted_server.hpp"

namespace roomcast::redis {
namespace {

using namespace std::chrono_literals;
using test::FakeLoop;
using test::ScriptedServer;
using testing::ElementsAre;
using testing::StartsWith;

/// Two masters: "a" has the slots below 8192, "b" the others. "foo" is in slot 12182, "bar" in
/// 5061.
class ClusterClientTest : public testing::Test {
protected:
    static constexpr const char* kHalves =
        "*2\r\n*3\r\n:0\r\n:8191\r\n*2\r\n+a\r\n:1\r\n*3\r\n:8192\r\n:16383\r\n*2\r\n+b\r\n:1\r\n";
    static constexpr const char* kAllAtA = "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n+a\r\n:1\r\n";

    void start(bool is_sharded = false) {
        ClientOptions options;
        options.address.mode = Mode::cluster;
        options.address.endpoints = {{"a", 1}};
        options.has_sharded_channels = is_sharded;
        client_ = make_client(loop_, options);
        client_->start(sink_);
    }

    void connect(bool is_sharded = false) {
        start(is_sharded);
        greet("a");
        answer_slots(kHalves);
        greet("b");
        ASSERT_TRUE(client_->is_connected());
        (void)sink_.take();
    }

    [[nodiscard]] std::shared_ptr<test::FakePeer> peer(const std::string& host) const {
        std::shared_ptr<test::FakePeer> found;
        for (const auto& each : loop_.peers()) {
            if (each->options.endpoint.host == host) found = each;
        }
        return found;
    }

    void greet(const std::string& host) {
        ASSERT_TRUE(peer(host)) << host;
        servers_[host] = std::make_unique<ScriptedServer>(*peer(host));
        servers_[host]->greet("cluster");
        loop_.run_posted();
    }

    ScriptedServer& at(const std::string& host) { return *servers_[host]; }

    void answer_slots(const std::string& slots) {
        ASSERT_THAT(at("a").take_names(), ElementsAre("CLUSTER"));
        at("a").send(slots);
        loop_.run_posted();
    }

    void call(const std::string& key) { client_->call(key, {"GET", key}, sink_.note(key)); }

    FakeLoop loop_;
    test::RecordingSink sink_;
    std::unique_ptr<Client> client_;
    std::map<std::string, std::unique_ptr<ScriptedServer>> servers_;
};

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
    call("foo");
    EXPECT_THAT(at("a").take_names(), ElementsAre("GET"));
    EXPECT_EQ(client_->figures().redirects, 1U);
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

TEST_F(ClusterClientTest, APlainChannelMovesWithTheMapAndIsHeardOnce) {
    connect();
    EXPECT_EQ(client_->publish_command(), "PUBLISH");
    client_->subscribe("c", "foo");
    loop_.run_posted();
    EXPECT_THAT(at("b").take_names(), ElementsAre("SUBSCRIBE"));
    at("b").send(ScriptedServer::confirm("subscribe", "c"));
    call("foo");
    at("b").send("-MOVED 12182 a:1\r\n");
    (void)at("a").take_commands();
    at("a").send(kAllAtA);
    loop_.run_posted();
    EXPECT_THAT(at("a").take_names(), ElementsAre("SUBSCRIBE"));
    (void)sink_.take();
    at("b").send(ScriptedServer::push("message", "c", "old"));
    at("a").send("+1\r\n" + ScriptedServer::confirm("subscribe", "c") +
                 ScriptedServer::push("message", "c", "new"));
    EXPECT_THAT(sink_.take(), ElementsAre("foo: 1", "subscribed c again", "c=new"));
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

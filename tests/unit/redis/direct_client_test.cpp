// SPDX-License-Identifier: Apache-2.0
#include "redis/direct_client.hpp"

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
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class DirectClientTest : public testing::Test {
protected:
    void start(Mode mode = Mode::direct) {
        ClientOptions options;
        options.address.mode = mode;
        options.address.endpoints = {{"one", 1}};
        if (mode == Mode::sentinel) {
            options.address.master_name = "primary";
            options.address.password = "secret";
            options.address.endpoints = {{"s1", 1}, {"s2", 2}};
        }
        client_ = make_client(loop_, options);
        client_->start(sink_);
    }

    ScriptedServer greet(std::string_view mode = "standalone") {
        ScriptedServer server(loop_.last_peer());
        server.greet(mode);
        loop_.run_posted();
        return server;
    }

    [[nodiscard]] std::string last_host() const { return loop_.last_peer().options.endpoint.host; }

    /// Answers the question of a sentinel's client with a master's host.
    static void name_master(ScriptedServer& sentinel, const std::string& host) {
        const auto commands = sentinel.take_commands();
        ASSERT_EQ(commands.size(), 2U);
        EXPECT_THAT(commands[0], ElementsAre("SUBSCRIBE", "+switch-master"));
        EXPECT_THAT(commands[1], ElementsAre("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "primary"));
        sentinel.send(ScriptedServer::confirm("subscribe", "+switch-master"));
        sentinel.send("*2\r\n" + ScriptedServer::text(host) + "$1\r\n9\r\n");
    }

    FakeLoop loop_;
    test::RecordingSink sink_;
    std::unique_ptr<Client> client_;
};

TEST_F(DirectClientTest, TellsItsStateAndTheReasonOnceEach) {
    start();
    EXPECT_FALSE(client_->is_connected());
    loop_.last_peer().end("connection refused");
    EXPECT_THAT(sink_.take(), ElementsAre("down: connection refused (one:1)"));
    loop_.advance(100ms);
    ASSERT_EQ(loop_.peers().size(), 2U);
    loop_.last_peer().end("connection refused");
    EXPECT_THAT(sink_.take(), IsEmpty());
    loop_.advance(200ms);
    loop_.last_peer().end("no route");
    EXPECT_THAT(sink_.take(), ElementsAre("down: no route (one:1)"));
    loop_.advance(300ms);
    (void)greet();
    EXPECT_THAT(sink_.take(), ElementsAre("up: one:1"));
    EXPECT_TRUE(client_->is_connected());
}

TEST_F(DirectClientTest, WaitsLongAfterAWrongPassword) {
    start();
    loop_.last_peer().open();
    loop_.last_peer().send("-WRONGPASS no\r\n");
    EXPECT_THAT(sink_.take(), ElementsAre("down: WRONGPASS no (one:1)"));
    loop_.advance(4'900ms);
    EXPECT_EQ(loop_.peers().size(), 1U);
    // In small steps: the second attempt has a deadline of its own.
    for (int step = 0; step < 51 && loop_.peers().size() == 1; ++step)
        loop_.advance(100ms);
    EXPECT_EQ(loop_.peers().size(), 2U);
}

TEST_F(DirectClientTest, CallsWithoutAConnectionAreAnsweredAtOnce) {
    start();
    client_->call("k", {"GET", "k"}, sink_.note("A"));
    EXPECT_THAT(sink_.take(), ElementsAre("A: not sent: not connected"));
    EXPECT_EQ(client_->figures().calls_failed, 1U);
}

TEST_F(DirectClientTest, StopAnswersAllAndCallsNothingAfterwards) {
    start();
    ScriptedServer server = greet();
    client_->subscribe("c", "c");
    client_->call("k", {"GET", "k"}, sink_.note("A"));
    loop_.run_posted();
    (void)sink_.take();
    client_->reconnect("for some reason");
    client_->stop();
    EXPECT_THAT(sink_.take(), ElementsAre("A: interrupted: the client was stopped"));
    EXPECT_FALSE(loop_.last_peer().is_open());
    client_.reset();
    loop_.advance(1min);
    EXPECT_THAT(sink_.take(), IsEmpty());
    EXPECT_EQ(loop_.timers().size(), 0U);
}

TEST_F(DirectClientTest, MayBeStoppedByACallback) {
    start();
    ScriptedServer server = greet();
    client_->call("k", {"A"}, [this](const Reply&) { client_->stop(); });
    client_->call("k", {"B"}, sink_.note("B"));
    (void)sink_.take();
    server.send("+a\r\n+b\r\n" + ScriptedServer::push("message", "c", "m"));
    EXPECT_THAT(sink_.take(), ElementsAre(StartsWith("B: interrupted")));
}

TEST_F(DirectClientTest, ACallThatIsAnsweredByTheEndOfTheConnectionMaySubscribeAndCallAgain) {
    start();
    ScriptedServer server = greet();
    client_->call("k", {"A"}, [this](const Reply&) {
        client_->subscribe("c", "c");
        client_->call("k", {"B"}, sink_.note("B"));
    });
    (void)sink_.take();
    loop_.last_peer().end("reset");
    EXPECT_THAT(sink_.take(), ElementsAre("B: not sent: not connected", "down: reset (one:1)"));
    loop_.advance(100ms);
    server = greet();
    EXPECT_THAT(server.take_names(), ElementsAre("SUBSCRIBE"));
}

TEST_F(DirectClientTest, ACallDoesNotOvertakeASubscribeThatCameBefore) {
    start();
    ScriptedServer server = greet();
    client_->subscribe("c", "c");
    client_->publish("c", "m", sink_.note("A"));
    EXPECT_THAT(server.take_names(), ElementsAre("SUBSCRIBE", "PUBLISH"));
}

TEST_F(DirectClientTest, RenewsSubscriptionsAfterAReconnectThatItsCallerWanted) {
    start();
    ScriptedServer server = greet();
    client_->subscribe("c", "c");
    loop_.run_posted();
    EXPECT_THAT(server.take_names(), ElementsAre("SUBSCRIBE"));
    server.send(ScriptedServer::confirm("subscribe", "c"));
    client_->call("k", {"GET", "k"}, sink_.note("A"));
    (void)sink_.take();
    client_->reconnect("strange answers");
    EXPECT_THAT(sink_.take(), IsEmpty()) << "nothing from within";
    loop_.run_posted();
    EXPECT_THAT(sink_.take(),
                ElementsAre("A: interrupted: strange answers", "down: strange answers (one:1)"));
    loop_.advance(100ms);
    ScriptedServer again = greet();
    EXPECT_THAT(again.take_names(), ElementsAre("SUBSCRIBE"));
    again.send(ScriptedServer::confirm("subscribe", "c") +
               ScriptedServer::push("message", "c", "m"));
    EXPECT_THAT(sink_.take(), ElementsAre("up: one:1", "subscribed c again", "c=m"));
}

TEST_F(DirectClientTest, LeavesAServerThatIsNoMasterAnyMore) {
    start();
    ScriptedServer server = greet();
    loop_.advance(3s);  // a probe
    server.send(":1\r\n" + ScriptedServer::push("message", server.probe_channel(), "probe"));
    (void)server.take_commands();
    loop_.advance(2s);
    EXPECT_THAT(server.take_names(), ElementsAre("ROLE"));
    (void)sink_.take();
    server.send("*1\r\n$5\r\nslave\r\n");
    loop_.run_posted();
    EXPECT_THAT(sink_.take(), ElementsAre(HasSubstr("no master any more")));

    loop_.advance(1s);
    server = greet();
    client_->call("k", {"SET", "k", "v"}, sink_.note("A"));
    server.send("-READONLY no\r\n");
    loop_.run_posted();
    EXPECT_THAT(sink_.take(),
                ElementsAre("up: one:1", "A: refused: READONLY no", "down: READONLY no (one:1)"));
}

// ---- Sentinel ----

TEST_F(DirectClientTest, AsksSentinelsInTurnWithAPasswordOnlyWhereTheyWantOne) {
    start(Mode::sentinel);
    EXPECT_EQ(last_host(), "s1");
    loop_.last_peer().end("connection refused");
    EXPECT_EQ(last_host(), "s2");
    loop_.last_peer().open();
    EXPECT_THAT(loop_.last_peer().received, testing::Not(HasSubstr("AUTH")));
    loop_.last_peer().send("-NOAUTH no\r\n");
    EXPECT_EQ(last_host(), "s2");
    EXPECT_THAT(loop_.last_peer().received, HasSubstr("secret"));
    ScriptedServer sentinel = greet("sentinel");
    name_master(sentinel, "m1");
    EXPECT_EQ(last_host(), "m1");
    (void)greet();
    EXPECT_THAT(sink_.take(), ElementsAre("up: m1:9"));
}

TEST_F(DirectClientTest, GoesToANewMasterAtOnceAndNotToThatOfAnotherName) {
    start(Mode::sentinel);
    ScriptedServer sentinel = greet("sentinel");
    name_master(sentinel, "m1");
    ScriptedServer master = greet();
    client_->call("k", {"GET", "k"}, sink_.note("A"));
    (void)sink_.take();
    sentinel.send(ScriptedServer::push("message", "+switch-master", "other m1 9 m2 9"));
    EXPECT_THAT(sink_.take(), IsEmpty());
    sentinel.send(ScriptedServer::push("message", "+switch-master", "primary m1 9 m2 9"));
    EXPECT_THAT(sink_.take(),
                ElementsAre("A: interrupted: the master has moved to m2:9",
                            "down: the master has moved to m2:9"));
    EXPECT_EQ(last_host(), "m2");
    (void)greet();
    EXPECT_THAT(sink_.take(), ElementsAre("up: m2:9"));
}

TEST_F(DirectClientTest, AsksAnotherSentinelWhenTheFirstDoesNotKnowTheName) {
    start(Mode::sentinel);
    ScriptedServer sentinel = greet("sentinel");
    sentinel.send(ScriptedServer::confirm("subscribe", "+switch-master") + "_\r\n");
    EXPECT_EQ(last_host(), "s2");
    sentinel = greet("sentinel");
    sentinel.send(ScriptedServer::confirm("subscribe", "+switch-master") + "_\r\n");
    EXPECT_THAT(sink_.take(), ElementsAre(HasSubstr("does not know a master named \"primary\"")));
    loop_.advance(200ms);
    EXPECT_EQ(last_host(), "s1");
}

TEST_F(DirectClientTest, AsksAnotherSentinelWhenTheMasterThatOneNamesIsNone) {
    start(Mode::sentinel);
    ScriptedServer sentinel = greet("sentinel");
    name_master(sentinel, "m1");
    loop_.last_peer().end("connection refused");
    EXPECT_THAT(sink_.take(), ElementsAre("down: connection refused (m1:9)"));
    loop_.advance(200ms);
    EXPECT_EQ(last_host(), "s2");
    sentinel = greet("sentinel");
    name_master(sentinel, "m2");
    (void)greet();
    EXPECT_THAT(sink_.take(), ElementsAre("up: m2:9"));
    // One that worked is no reason to doubt the sentinel.
    loop_.last_peer().end("reset");
    loop_.advance(200ms);
    EXPECT_THAT(sentinel.take_names(), testing::Contains("SENTINEL"));
}

TEST_F(DirectClientTest, ASentinelThatIsLostCostsTheMastersConnectionNothing) {
    start(Mode::sentinel);
    ScriptedServer sentinel = greet("sentinel");
    const auto first = loop_.peers().back();
    name_master(sentinel, "m1");
    (void)greet();
    const auto master = loop_.peers().back();
    (void)sink_.take();
    first->end("reset");
    loop_.advance(200ms);
    EXPECT_EQ(last_host(), "s1");
    sentinel = greet("sentinel");
    name_master(sentinel, "m1");
    EXPECT_TRUE(master->is_open());
    EXPECT_THAT(sink_.take(), IsEmpty());
}

}  // namespace
}  // namespace roomcast::redis

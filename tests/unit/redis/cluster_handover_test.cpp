// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/handover.hpp"
#include "tests/unit/redis/cluster_fixture.hpp"

namespace roomcast::redis {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

/// With the plain channel "c", which is heard at "b" and has moved to "a".
class ClusterHandoverTest : public ClusterClientTest {
protected:
    void SetUp() override {
        connect();
        client_->subscribe("c", "foo");
        loop_.run_posted();
        at("b").send(ScriptedServer::confirm("subscribe", "c") + message("1"));
        EXPECT_THAT(sink_.take(), ElementsAre("subscribed c", "c=1"));
        client_->call("foo", {"GET", "foo"}, [](const Reply&) {});
        (void)at("b").take_names();
        at("b").send("-MOVED 12182 a:1\r\n");
        at("a").send(kAllAtA + std::string("+1\r\n"));
        loop_.run_posted();
        (void)at("a").take_names();
        EXPECT_THAT(at("b").take_names(), ElementsAre("PING", "PING", "UNSUBSCRIBE"));
        at("b").send("+PONG\r\n+PONG\r\n" + ScriptedServer::confirm("unsubscribe", "c"));
    }

    static std::string message(const std::string& payload) {
        return ScriptedServer::push("message", "c", payload);
    }

    /// What "b" was asked to publish on the channel of the connection to "a".
    std::string take_mark() {
        for (const auto& command : at("b").take_commands()) {
            if (command[0] != "PUBLISH" || command[1] != at("a").probe_channel()) continue;
            at("b").send(":0\r\n");
            return command[2];
        }
        return "";
    }

    void tell_mark(const std::string& mark) {
        at("a").send(ScriptedServer::push("message", at("a").probe_channel(), mark));
    }
};

TEST_F(ClusterHandoverTest, WhatWasHeardAtTheOldNodeDoesNotComeOnceMore) {
    at("b").send(message("2"));  // from here on the new one counts
    at("a").send(message("3") + ScriptedServer::confirm("subscribe", "c") + message("1"));
    EXPECT_THAT(sink_.take(), IsEmpty());
    const std::string mark = take_mark();
    ASSERT_NE(mark, "");
    at("a").send(message("2"));
    EXPECT_THAT(sink_.take(), IsEmpty());
    tell_mark(mark);
    at("a").send(message("4"));
    at("b").send(message("4"));
    EXPECT_THAT(sink_.take(), ElementsAre("subscribed c again", "c=4"));
}

TEST_F(ClusterHandoverTest, AMarkThatDoesNotComeIsWaitedForASecond) {
    at("a").send(ScriptedServer::confirm("subscribe", "c"));
    const std::string mark = take_mark();
    loop_.advance(999ms);
    EXPECT_THAT(sink_.take(), IsEmpty());
    loop_.advance(1ms);
    at("a").send(message("2"));
    EXPECT_THAT(sink_.take(), ElementsAre("subscribed c again", "c=2"));
    tell_mark(mark);
    EXPECT_THAT(sink_.take(), IsEmpty());
}

TEST_F(ClusterHandoverTest, AChannelThatIsConfirmedLaterWaitsForMarksOfItsOwn) {
    client_->subscribe("d", "foo");
    loop_.run_posted();
    at("a").send(ScriptedServer::confirm("subscribe", "c") +
                 ScriptedServer::confirm("subscribe", "d"));
    // Heard nowhere before: there is nothing that could come twice.
    EXPECT_THAT(sink_.take(), ElementsAre("subscribed d"));
    client_->unsubscribe("c");
    client_->subscribe("c", "foo");
    loop_.run_posted();
    at("a").send(ScriptedServer::confirm("subscribe", "c"));
    EXPECT_THAT(sink_.take(), ElementsAre("subscribed c"));
    tell_mark(take_mark());
    EXPECT_THAT(sink_.take(), IsEmpty());
}

TEST_F(ClusterHandoverTest, BeginsAnewWhenTheNewNodeIsLost) {
    at("a").send(ScriptedServer::confirm("subscribe", "c"));
    const std::string old_mark = take_mark();
    peer("a")->end("reset");
    (void)sink_.take();
    loop_.advance(100ms);
    greet("a");
    at("b").send(kAllAtA);  // it was asked when "a" was lost
    at("a").send(ScriptedServer::confirm("subscribe", "c") + message("2"));
    const std::string mark = take_mark();
    ASSERT_NE(mark, "");
    EXPECT_NE(mark, old_mark);
    tell_mark(mark);
    at("a").send(message("3"));
    EXPECT_THAT(sink_.take(), ElementsAre("up: Cluster of 1 masters", "subscribed c again", "c=3"));
}

}  // namespace
}  // namespace roomcast::redis

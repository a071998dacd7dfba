// SPDX-License-Identifier: Apache-2.0
#include "redis/connection.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

const Script kScript("return 1");

class ConnectionTest : public testing::Test, protected ConnectionSink {
protected:
    void connect() {
        connection_ = Connection::open(loop_, options_, counters_, *this);
        server_ = std::make_unique<ScriptedServer>(loop_.last_peer());
    }

    void connect_and_greet() {
        connect();
        server_->greet();
        ASSERT_TRUE(connection_->is_ready());
    }

    /// Its answer is noted as "name: text".
    ReplyCallback note(const std::string& name) {
        return [this, name](const Reply& reply) {
            if (reply) {
                answers_.push_back(name + ": " + reply->text);
            } else {
                const char* const faults[] = {"not sent", "interrupted", "refused"};
                answers_.push_back(name + ": " + faults[static_cast<int>(reply.error().fault)] +
                                   ": " + reply.error().text);
            }
        };
    }

    void call(const std::string& name) { connection_->send(make_call({name}, note(name))); }

    void on_ready() override { ++ready_; }

    void on_message(std::string_view channel, std::string_view payload) override {
        heard_.push_back(std::string(channel) + "=" + std::string(payload));
    }

    void on_confirmed(Verb verb, const std::string& channel, bool is_asked) override {
        heard_.push_back(std::string(to_text(verb)) + " " + channel + (is_asked ? "" : " unasked"));
    }

    void on_subscribe_refused(Verb /*verb*/,
                              const std::vector<std::string>& channels,
                              const std::string& error) override {
        heard_.push_back("refused " + channels.front() + ": " + error);
    }

    void on_batch_end() override { heard_.emplace_back("batch end"); }

    void on_lost(const Loss& loss) override { losses_.push_back(loss); }

    FakeLoop loop_;
    ConnectionOptions options_;
    Counters counters_;
    std::shared_ptr<Connection> connection_;
    std::unique_ptr<ScriptedServer> server_;
    std::vector<std::string> answers_;
    std::vector<std::string> heard_;
    std::vector<Loss> losses_;
    int ready_ = 0;
};

// ---- Greeting ----

TEST_F(ConnectionTest, GreetsInOnePieceAndIsReadyAfterTheLastAnswer) {
    options_.greeting.password = "secret";
    options_.greeting.name = "me";
    options_.greeting.database = 2;
    options_.greeting.scripts = {&kScript};
    connect();
    const auto commands = server_->take_commands();
    ASSERT_EQ(commands.size(), 5U);
    EXPECT_THAT(commands[0],
                ElementsAre("HELLO", "3", "AUTH", "default", "secret", "SETNAME", "me"));
    EXPECT_THAT(commands[1], ElementsAre("SELECT", "2"));
    EXPECT_THAT(commands[2], ElementsAre("SCRIPT", "LOAD", "return 1"));
    EXPECT_THAT(commands[3], ElementsAre("SUBSCRIBE", StartsWith("rc.probe.")));
    server_->send("%1\r\n+version\r\n+7.2.0\r\n+OK\r\n+sha\r\n");
    server_->send(ScriptedServer::confirm("subscribe", commands[3][1]));
    EXPECT_FALSE(connection_->is_ready());
    server_->send("+PONG\r\n");
    EXPECT_TRUE(connection_->is_ready());
    EXPECT_EQ(ready_, 1);
    EXPECT_EQ(connection_->server().major_version, 7);
}

TEST_F(ConnectionTest, SaysWhatTheServerHasAgainstTheGreeting) {
    struct Case {
        const char* answer;
        const char* reason;
        bool is_configuration;
    };

    for (const Case& each :
         {Case{"-WRONGPASS invalid\r\n", "WRONGPASS invalid", true},
          Case{"-NOAUTH HELLO must\r\n", "the server wants a password", true},
          Case{"-ERR unknown command 'HELLO'\r\n", "Redis 6 or newer", true},
          Case{"-ERR max number of clients reached\r\n", "max number of clients", false},
          Case{"%1\r\n+mode\r\n+cluster\r\n", "use redis+cluster://", true},
          Case{"%1\r\n+mode\r\n+sentinel\r\n", "use redis+sentinel://", true},
          Case{"%1\r\n+role\r\n+replica\r\n", "is a replica", false},
          Case{"*0\r\n", "does not speak RESP3", true}}) {
        losses_.clear();
        connect();
        server_->send(each.answer);
        ASSERT_EQ(losses_.size(), 1U) << each.answer;
        EXPECT_THAT(losses_[0].reason, HasSubstr(each.reason));
        EXPECT_EQ(losses_[0].is_configuration, each.is_configuration) << each.answer;
        EXPECT_FALSE(loop_.last_peer().is_open());
    }
}

TEST_F(ConnectionTest, IsNotReadyWhileTheServerLoadsItsData) {
    connect();
    const auto commands = server_->take_commands();
    server_->send("%0\r\n" + ScriptedServer::confirm("subscribe", commands[1][1]) +
                  "-LOADING Redis is loading the dataset in memory\r\n");
    ASSERT_EQ(losses_.size(), 1U);
    EXPECT_THAT(losses_[0].reason, HasSubstr("is loading its data set"));
    EXPECT_EQ(ready_, 0);
}

TEST_F(ConnectionTest, TheWholeGreetingHasOneDeadline) {
    options_.stream.connect_deadline = 700ms;
    connect();
    loop_.advance(400ms);
    loop_.last_peer().open();
    server_->send("%0\r\n");
    loop_.advance(299ms);
    EXPECT_THAT(losses_, IsEmpty());
    loop_.advance(1ms);
    ASSERT_EQ(losses_.size(), 1U);
    EXPECT_THAT(losses_[0].reason, HasSubstr("within 700 ms"));
    EXPECT_EQ(counters_.connections_lost.value(), 0U);
}

// ---- Calls ----

TEST_F(ConnectionTest, AnswersInOrderHoweverTheBytesAreCut) {
    connect_and_greet();
    for (const char* name : {"A", "B", "C"})
        call(name);
    EXPECT_THAT(server_->take_names(), ElementsAre("A", "B", "C"));
    const std::string bytes =
        "$5\r\nhe\r\no\r\n" + ScriptedServer::push("message", "c", "m") + "-OOM no\r\n+third\r\n";
    for (const char byte : bytes)
        server_->send({&byte, 1});
    EXPECT_THAT(answers_, ElementsAre("A: he\r\no", "B: refused: OOM no", "C: third"));
    EXPECT_THAT(heard_, testing::Contains("c=m"));
    EXPECT_EQ(counters_.calls_failed.value(), 1U);
}

TEST_F(ConnectionTest, EveryCallIsAnsweredOnceHoweverItEnds) {
    for (const std::string end : {"lost", "closed", "garbage", "late", "unasked"}) {
        answers_.clear();
        losses_.clear();
        connect_and_greet();
        call("A");
        call("B");
        server_->send("+a\r\n");
        if (end == "lost") loop_.last_peer().end("connection reset");
        if (end == "closed") connection_->close("closed");
        if (end == "garbage") server_->send("?\r\n");
        if (end == "late") loop_.advance(options_.call_deadline);
        if (end == "unasked") server_->send("+b\r\n+c\r\n");
        ASSERT_EQ(answers_.size(), 2U) << end;
        EXPECT_THAT(answers_[1], StartsWith(end == "unasked" ? "B: b" : "B: interrupted")) << end;
        EXPECT_FALSE(loop_.last_peer().is_open());
        EXPECT_EQ(losses_.size(), end == "closed" ? 0U : 1U) << end;
        call("C");
        EXPECT_EQ(answers_.back(), "C: not sent: not connected");
        loop_.advance(1min);
        EXPECT_EQ(answers_.size(), 3U);
    }
}

TEST_F(ConnectionTest, ACallbackMayCallAgainAndMayCloseTheConnection) {
    connect_and_greet();
    connection_->send(make_call({"A"}, [this](const Reply&) {
        call("B");
        connection_->close("enough");
        connection_.reset();
    }));
    call("C");
    server_->send("+a\r\n+c\r\n");
    EXPECT_THAT(answers_, ElementsAre("C: interrupted: enough", "B: interrupted: enough"));
    EXPECT_THAT(losses_, IsEmpty());
}

TEST_F(ConnectionTest, OneSlowCallEndsTheConnectionThoughOthersWereAnswered) {
    connect_and_greet();
    for (int i = 0; i < 10; ++i) {
        call("A");
        loop_.advance(500ms);
        if (i < 3) server_->send("+a\r\n");
    }
    ASSERT_EQ(losses_.size(), 1U);
    EXPECT_THAT(losses_[0].reason, HasSubstr("within 2000 ms"));
    EXPECT_EQ(answers_.size(), 10U);
}

TEST_F(ConnectionTest, WhatWaitsIsLimitedInCallsAndBytes) {
    options_.pending_calls = 2;
    options_.pending_bytes = 10'000;
    connect_and_greet();
    for (const char* name : {"A", "B", "C"})
        call(name);
    EXPECT_THAT(answers_, ElementsAre(StartsWith("C: not sent: too many")));
    server_->send("+a\r\n+b\r\n");
    answers_.clear();
    connection_->send(make_call({"D", std::string(8'000, 'x')}, note("D")));
    connection_->send(make_call({"E", std::string(8'000, 'x')}, note("E")));
    EXPECT_THAT(answers_, ElementsAre(StartsWith("E: not sent")));
    server_->send("+d\r\n");
    answers_.clear();
    connection_->send(make_call({"F", std::string(8'000, 'x')}, note("F")));
    EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(ConnectionTest, ATransactionIsOneAnswer) {
    connect_and_greet();
    connection_->send(make_transaction({{"GET", "a"}, {"GET", "b"}}, note("T")));
    call("A");
    server_->send("+OK\r\n+QUEUED\r\n-NOPERM no\r\n-EXECABORT aborted\r\n+a\r\n");
    EXPECT_THAT(answers_, ElementsAre("T: refused: NOPERM no", "A: a"));
    answers_.clear();
    connection_->send(make_transaction({{"GET", "a"}}, note("T")));
    server_->send("+OK\r\n+QUEUED\r\n*1\r\n-WRONGTYPE no\r\n");
    EXPECT_THAT(answers_, ElementsAre("T: refused: WRONGTYPE no"));
}

TEST_F(ConnectionTest, ForgottenScriptsGoOutAsTextBeforeWhatCameLater) {
    connect_and_greet();
    const std::vector<std::string> keys = {"k"};
    const auto eval = [&](const std::string& name) {
        const std::vector<std::string> arguments = {name};
        connection_->send(make_eval(kScript, keys, arguments, note(name)));
    };
    eval("1");
    eval("2");
    (void)server_->take_commands();
    server_->send("-NOSCRIPT none\r\n");
    eval("3");
    call("A");
    EXPECT_THAT(server_->take_commands(), IsEmpty());
    server_->send("-NOSCRIPT none\r\n");
    const auto commands = server_->take_commands();
    ASSERT_EQ(commands.size(), 4U);
    EXPECT_THAT(commands[0], ElementsAre("EVAL", "return 1", "1", "k", "1"));
    EXPECT_THAT(commands[1], ElementsAre("EVAL", "return 1", "1", "k", "2"));
    EXPECT_THAT(commands[2], ElementsAre("EVALSHA", kScript.sha1, "1", "k", "3"));
    EXPECT_THAT(commands[3], ElementsAre("A"));
    server_->send("+one\r\n+two\r\n+three\r\n+a\r\n");
    EXPECT_THAT(answers_, ElementsAre("1: one", "2: two", "3: three", "A: a"));
}

TEST_F(ConnectionTest, WhatIsHeldBackWhenTheConnectionEndsWasNotSent) {
    connect_and_greet();
    connection_->send(make_eval(kScript, std::vector<std::string>{"k"}, {}, note("1")));
    call("A");
    server_->send("-NOSCRIPT none\r\n");
    call("B");
    loop_.last_peer().end("reset");
    EXPECT_THAT(answers_,
                ElementsAre("A: interrupted: reset", "1: not sent: reset", "B: not sent: reset"));
}

// ---- Subscriptions ----

TEST_F(ConnectionTest, ConfirmationsAndErrorsOfSubscribesDoNotShiftTheAnswers) {
    connect_and_greet();
    connection_->subscribe(Verb::subscribe, {"a", "b"});
    call("A");
    connection_->subscribe(Verb::subscribe, {"c"});
    call("B");
    connection_->subscribe(Verb::unsubscribe, {"a"});
    call("C");
    heard_.clear();
    server_->send(ScriptedServer::confirm("subscribe", "a") +
                  ScriptedServer::push("message", "a", "early") +
                  ScriptedServer::confirm("subscribe", "b") + "+a\r\n-NOPERM no\r\n+b\r\n" +
                  ScriptedServer::confirm("unsubscribe", "a") + "+c\r\n");
    EXPECT_THAT(answers_, ElementsAre("A: a", "B: b", "C: c"));
    EXPECT_THAT(heard_,
                ElementsAre("SUBSCRIBE a",
                            "a=early",
                            "SUBSCRIBE b",
                            "refused c: NOPERM no",
                            "UNSUBSCRIBE a",
                            "batch end"));
}

TEST_F(ConnectionTest, AnUnaskedEndOfAShardedChannelIsToldAndWrongConfirmationsEndTheConnection) {
    connect_and_greet();
    call("A");
    heard_.clear();
    server_->send(ScriptedServer::confirm("sunsubscribe", "a") + "+a\r\n");
    EXPECT_THAT(heard_, ElementsAre("SUNSUBSCRIBE a unasked", "batch end"));
    EXPECT_THAT(answers_, ElementsAre("A: a"));
    server_->send(ScriptedServer::confirm("subscribe", "a"));
    ASSERT_EQ(losses_.size(), 1U);
    EXPECT_THAT(losses_[0].reason, HasSubstr("broke the protocol"));
}

// ---- Probes ----

TEST_F(ConnectionTest, AProbeMustComeBackAsAnswerAndAsMessage) {
    connect_and_greet();
    for (int round = 0; round < 3; ++round) {
        loop_.advance(options_.probe_interval - (round == 0 ? 0ms : 1ms));
        const auto commands = server_->take_commands();
        ASSERT_EQ(commands.size(), 1U);
        EXPECT_THAT(commands[0], ElementsAre("PUBLISH", server_->probe_channel(), "probe"));
        loop_.advance(1ms);
        server_->send(ScriptedServer::push("message", server_->probe_channel(), "probe") +
                      ":1\r\n");
    }
    EXPECT_EQ(counters_.last_round_trip_us.value(), 1'000U);
    EXPECT_THAT(losses_, IsEmpty());
    loop_.advance(options_.probe_interval);
    server_->send(":1\r\n");  // the message is missing
    loop_.advance(options_.call_deadline);
    ASSERT_EQ(losses_.size(), 1U);
    EXPECT_THAT(losses_[0].reason, HasSubstr("probe"));
    EXPECT_EQ(counters_.probes_missed.value(), 1U);
    EXPECT_EQ(loop_.timers().size(), 0U);
}

}  // namespace
}  // namespace roomcast::redis

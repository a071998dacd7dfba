// SPDX-License-Identifier: Apache-2.0
#include "redis/subscriptions.hpp"

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
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class SubscriptionsTest : public testing::Test,
                          protected ConnectionSink,
                          protected SubscriptionsSink {
protected:
    void connect() {
        connection_ = Connection::open(loop_, {}, counters_, *this);
        server_ = std::make_unique<ScriptedServer>(loop_.last_peer());
        server_->greet();
        subscriptions_.on_connected(*connection_, is_sharded_);
        loop_.run_posted();
    }

    /// What goes out now, as "SUBSCRIBE a b".
    std::vector<std::string> sent() {
        loop_.run_posted();
        std::vector<std::string> lines;
        for (const auto& command : server_->take_commands()) {
            std::string line = command.front();
            for (std::size_t i = 1; i < command.size(); ++i)
                line += " " + command[i];
            lines.push_back(line);
        }
        return lines;
    }

    void confirm(const std::string& kind, const std::string& channel) {
        server_->send(ScriptedServer::confirm(kind, channel));
    }

    void on_ready() override {}

    void on_message(std::string_view /*channel*/, std::string_view /*payload*/) override {}

    void on_confirmed(Verb verb, const std::string& channel, bool is_asked) override {
        subscriptions_.on_confirmed(verb, channel, is_asked);
    }

    void on_subscribe_refused(Verb /*verb*/,
                              const std::vector<std::string>& channels,
                              const std::string& error) override {
        subscriptions_.on_refused(channels, error);
    }

    void on_lost(const Loss& /*loss*/) override {
        subscriptions_.on_disconnected();
        connection_.reset();
    }

    void on_subscribed(const std::string& channel, bool may_have_missed) override {
        told_.push_back(channel + (may_have_missed ? " again" : ""));
    }

    void on_subscribe_refused(const std::string& channel, std::string_view error) override {
        told_.push_back(channel + " " + std::string(error));
    }

    FakeLoop loop_;
    Counters counters_;
    bool is_sharded_ = false;
    std::shared_ptr<Connection> connection_;
    std::unique_ptr<ScriptedServer> server_;
    Subscriptions subscriptions_{loop_, *this};
    std::vector<std::string> told_;
};

TEST_F(SubscriptionsTest, GoOutTogetherAndAreToldOnceConfirmed) {
    connect();
    for (const char* channel : {"a", "b", "a"})
        subscriptions_.add(channel);
    EXPECT_THAT(sent(), ElementsAre("SUBSCRIBE a b"));
    EXPECT_THAT(told_, IsEmpty());
    confirm("subscribe", "a");
    confirm("subscribe", "b");
    EXPECT_THAT(told_, ElementsAre("a", "b"));
    subscriptions_.add("a");
    EXPECT_THAT(sent(), IsEmpty());
}

TEST_F(SubscriptionsTest, AreRenewedOnANewConnectionWithWordOfWhatMayBeMissing) {
    subscriptions_.add("a");
    subscriptions_.add("b");
    connect();
    EXPECT_EQ(sent().size(), 1U);
    loop_.last_peer().end("reset");
    connect();  // neither was confirmed: nothing can be missing
    const auto again = sent();
    ASSERT_EQ(again.size(), 1U);
    const bool is_a_first = again[0] == "SUBSCRIBE a b";
    confirm("subscribe", is_a_first ? "a" : "b");
    confirm("subscribe", is_a_first ? "b" : "a");
    EXPECT_THAT(told_, UnorderedElementsAre("a", "b"));
    told_.clear();
    subscriptions_.remove("b");
    loop_.last_peer().end("reset");
    connect();
    EXPECT_THAT(sent(), ElementsAre("SUBSCRIBE a"));
    confirm("subscribe", "a");
    EXPECT_THAT(told_, ElementsAre("a again"));
}

TEST_F(SubscriptionsTest, AConfirmationOfAnOlderSubscribeDoesNotCountForANewerOne) {
    connect();
    subscriptions_.add("a");
    EXPECT_THAT(sent(), ElementsAre("SUBSCRIBE a"));
    subscriptions_.remove("a");
    EXPECT_THAT(sent(), ElementsAre("UNSUBSCRIBE a"));
    subscriptions_.add("a");
    EXPECT_THAT(sent(), ElementsAre("SUBSCRIBE a"));
    confirm("subscribe", "a");
    confirm("unsubscribe", "a");
    EXPECT_THAT(told_, IsEmpty());
    confirm("subscribe", "a");
    EXPECT_THAT(told_, ElementsAre("a"));
}

TEST_F(SubscriptionsTest, QuickChangesComeDownToTheirLast) {
    connect();
    subscriptions_.add("a");
    subscriptions_.remove("a");
    EXPECT_THAT(sent(), IsEmpty());
    EXPECT_EQ(subscriptions_.size(), 0U);
    subscriptions_.add("a");
    (void)sent();
    confirm("subscribe", "a");
    told_.clear();
    subscriptions_.remove("a");
    subscriptions_.add("a");
    // Asked for anew, since a new confirmation is owed; nothing was missed by the new subscription.
    EXPECT_THAT(sent(), ElementsAre("SUBSCRIBE a"));
    confirm("subscribe", "a");
    EXPECT_THAT(told_, ElementsAre("a"));
    subscriptions_.remove("a");
    EXPECT_THAT(sent(), ElementsAre("UNSUBSCRIBE a"));
    confirm("unsubscribe", "a");
    EXPECT_EQ(subscriptions_.size(), 0U);
}

TEST_F(SubscriptionsTest, EndedAndBegunAgainWhileTheFirstIsUnderWay) {
    connect();
    subscriptions_.add("a");
    (void)sent();
    subscriptions_.remove("a");
    subscriptions_.add("a");
    confirm("subscribe", "a");  // the first one
    EXPECT_THAT(told_, IsEmpty());
    EXPECT_THAT(sent(), ElementsAre("SUBSCRIBE a"));
    confirm("subscribe", "a");
    EXPECT_THAT(told_, ElementsAre("a"));
}

TEST_F(SubscriptionsTest, OneRefusedChannelDoesNotHoldBackTheOthers) {
    connect();
    for (const char* channel : {"a", "b"})
        subscriptions_.add(channel);
    (void)sent();
    server_->send("-NOPERM no\r\n");
    EXPECT_THAT(sent(), ElementsAre("SUBSCRIBE a", "SUBSCRIBE b"));
    server_->send("-NOPERM no\r\n");
    confirm("subscribe", "b");
    EXPECT_THAT(told_, ElementsAre("a NOPERM no", "b"));
    EXPECT_THAT(sent(), IsEmpty());
    loop_.advance(2s);
    EXPECT_THAT(sent(), ElementsAre("SUBSCRIBE a"));
    confirm("subscribe", "a");
    EXPECT_EQ(told_.back(), "a");
}

TEST_F(SubscriptionsTest, ManyAreAskedForInCommandsOfLimitedSizeAndNumber) {
    connect();
    for (int i = 0; i < 10'000; ++i)
        subscriptions_.add("c" + std::to_string(i));
    loop_.run_posted();
    std::size_t confirmed = 0;
    for (auto commands = server_->take_commands(); !commands.empty();
         commands = server_->take_commands()) {
        std::size_t channels = 0;
        std::string answers;
        for (const auto& command : commands) {
            EXPECT_LE(command.size(), 513U);
            channels += command.size() - 1;
            for (std::size_t i = 1; i < command.size(); ++i)
                answers += ScriptedServer::confirm("subscribe", command[i]);
        }
        EXPECT_LE(channels, 5'000U);
        confirmed += channels;
        server_->send(answers);
    }
    EXPECT_EQ(confirmed, 10'000U);
    EXPECT_EQ(told_.size(), 10'000U);
}

TEST_F(SubscriptionsTest, ShardedChannelsGoAloneAndAreAskedForAgainWhenTheServerEndsThem) {
    is_sharded_ = true;
    connect();
    for (const char* channel : {"a", "b"})
        subscriptions_.add(channel);
    EXPECT_THAT(sent(), ElementsAre("SSUBSCRIBE a", "SSUBSCRIBE b"));
    confirm("ssubscribe", "a");
    confirm("ssubscribe", "b");
    told_.clear();
    confirm("sunsubscribe", "a");
    EXPECT_THAT(sent(), ElementsAre("SSUBSCRIBE a"));
    server_->send("-MOVED 1 127.0.0.1:7001\r\n");
    EXPECT_THAT(told_, ElementsAre("a MOVED 1 127.0.0.1:7001"));
    EXPECT_FALSE(subscriptions_.remove("nobody"));
    EXPECT_TRUE(subscriptions_.remove("a"));
}

}  // namespace
}  // namespace roomcast::redis

// SPDX-License-Identifier: Apache-2.0
// The Kafka broker with a real server. One for all tests.
#include "tests/support/kafka_server.hpp"

#include <chrono>
#include <memory>
#include <string>

#include <gmock/gmock.h>

#include "brokers/kafka.hpp"
#include "tests/support/broker_node.hpp"
#include "tests/support/kafka_clients.hpp"

namespace roomcast::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class KafkaServerTest : public testing::Test {
protected:
    void SetUp() override {
        if (const auto why = KafkaServer::why_missing()) GTEST_SKIP() << "no real Kafka: " << *why;
    }

    static KafkaServer& server() {
        static KafkaServer server;
        return server;
    }

    static BrokerNode::Make with(const KafkaBrokerOptions& options) {
        return [options](net::EventLoop&) { return std::make_unique<KafkaBroker>(options); };
    }

    /// On a topic of this test's own, which is made by the node.
    static KafkaBrokerOptions options() {
        return server().options(testing::UnitTest::GetInstance()->current_test_info()->name());
    }

    static BrokerNode::Make direct() { return with(options()); }

    static std::chrono::milliseconds since(steady_clock::time_point begin) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin);
    }

    const ChannelName lobby_ = *ChannelName::make("lobby");
};

TEST_F(KafkaServerTest, MakesItsTopicAndIsQuick) {
    BrokerNode node(direct());
    BrokerNode other(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    ASSERT_TRUE(other.subscribes(lobby_));
    std::vector<std::chrono::microseconds> answered;
    std::vector<std::chrono::microseconds> heard;
    constexpr std::size_t kCount = 200;
    for (std::size_t i = 0; i < kCount; ++i) {
        const auto begin = steady_clock::now();
        ASSERT_TRUE(node.publishes(lobby_, std::to_string(i)));
        answered.push_back(
            std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin));
        ASSERT_TRUE(other.heard().wait_for(i + 1));
        heard.push_back(
            std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin));
    }
    std::cout << "first answer " << answered.front().count() << " us\n";
    std::ranges::sort(answered);
    std::ranges::sort(heard);
    std::cout << "answer p50 " << answered[kCount / 2].count() << " us, p99 "
              << answered[kCount * 99 / 100].count() << " us; receipt p50 "
              << heard[kCount / 2].count() << " us, p99 " << heard[kCount * 99 / 100].count()
              << " us\n";
}

TEST_F(KafkaServerTest, ARestartDelaysAndLosesNothing) {
    BrokerNode node(direct());
    BrokerNode other(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    ASSERT_TRUE(other.subscribes(lobby_));
    EXPECT_TRUE(node.publishes(lobby_, "before"));
    server().end();
    ASSERT_TRUE(eventually([&] { return !node.is_connected() && !other.is_connected(); }));
    EXPECT_EQ(node.publishes(lobby_, "lost").error(), Errc::unavailable);
    server().start();
    ASSERT_TRUE(node.connects());
    ASSERT_TRUE(other.connects());
    EXPECT_TRUE(node.publishes(lobby_, "after"));
    ASSERT_TRUE(other.heard().wait_for(2));
    EXPECT_THAT(other.heard().all(), ElementsAre("before", "after"));
}

TEST_F(KafkaServerTest, AFrozenServerIsNoticedAndNobodyWaitsForIt) {
    BrokerNode node(direct());
    BrokerNode silent(direct());
    BrokerNode leaving(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    ASSERT_TRUE(silent.connects());
    ASSERT_TRUE(leaving.connects());
    EXPECT_TRUE(node.publishes(lobby_, "before"));
    server().pause();
    const auto frozen = steady_clock::now();
    EXPECT_EQ(node.publishes(lobby_, "perhaps").error(), Errc::unavailable);
    EXPECT_LT(since(frozen), 2'500ms);
    const auto stopping = steady_clock::now();
    leaving.stop();
    EXPECT_LT(since(stopping), 1'800ms);
    std::cout << "frozen: ended after " << since(stopping).count() << " ms\n";
    EXPECT_TRUE(eventually([&] { return !silent.is_connected() && !node.is_connected(); }));
    EXPECT_LT(since(frozen), 10s);
    std::cout << "frozen: not ready after " << since(frozen).count() << " ms\n";
    server().resume();
    ASSERT_TRUE(node.connects());
    EXPECT_TRUE(node.publishes(lobby_, "after"));
    ASSERT_TRUE(eventually([&] { return node.heard().all().back() == "after"; }));
    EXPECT_EQ(node.figure("roomcast_broker_gaps_total"), 0);
}

TEST_F(KafkaServerTest, WhatTheServerFindsTooLargeIsRefusedAsSuch) {
    BrokerNode node(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    const std::string large = '"' + std::string(KafkaServer::kMessageBytes, 'x') + '"';
    EXPECT_EQ(node.publishes(lobby_, "large", large).error(), Errc::limit);
    EXPECT_TRUE(node.publishes(lobby_, "small"));
    ASSERT_TRUE(node.heard().wait_for(1));
    EXPECT_THAT(node.heard().all(), ElementsAre("small"));
}

TEST_F(KafkaServerTest, FollowsATopicThatGrows) {
    KafkaBrokerOptions quick = options();
    quick.probe_interval = 200ms;
    BrokerNode node(with(quick));
    BrokerNode slow(direct());  // it publishes into new partitions before the other reads them
    ASSERT_TRUE(node.connects());
    ASSERT_TRUE(slow.connects());
    std::vector<ChannelName> channels;
    for (int i = 0; i < 40; ++i) {
        channels.push_back(*ChannelName::make("channel " + std::to_string(i)));
        ASSERT_TRUE(node.subscribes(channels.back()));
        ASSERT_TRUE(slow.subscribes(channels.back()));
    }
    KafkaAdmin(options()).grow(40);
    std::size_t published = 0;
    const auto end = steady_clock::now() + 4s;  // the slower one asks every three seconds
    while (steady_clock::now() < end) {
        for (const ChannelName& channel : channels) {
            ASSERT_TRUE(node.publishes(channel, std::to_string(published))) << node.last_detail();
            ++published;
        }
    }
    ASSERT_TRUE(node.heard().wait_for(published));
    ASSERT_TRUE(slow.heard().wait_for(published));
    EXPECT_EQ(node.figure("roomcast_broker_gaps_total"), 0);
    EXPECT_EQ(slow.figure("roomcast_broker_gaps_total"), 0);
    EXPECT_EQ(slow.heard().all().size(), published);
}

TEST_F(KafkaServerTest, ATopicThatIsDeletedIsMadeAgainAndWhatIsLostIsAGap) {
    BrokerNode node(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(node.publishes(lobby_, "before"));
    ASSERT_TRUE(node.heard().wait_for(10));
    KafkaAdmin(options()).remove();
    ASSERT_TRUE(eventually([&] { return node.figure("roomcast_broker_gaps_total") >= 1; }));
    ASSERT_TRUE(node.connects());
    ASSERT_TRUE(eventually([&] { return node.publishes(lobby_, "after").has_value(); }));
    ASSERT_TRUE(eventually([&] { return node.heard().all().back() == "after"; }));
}

TEST_F(KafkaServerTest, LogsInOverTlsAndSaysWhatAPersonMustPutRight) {
    const std::string topic = "tls";
    BrokerNode node(with(server().tls_options(topic)));
    ASSERT_TRUE(node.subscribes(lobby_)) << node.last_detail();
    EXPECT_TRUE(node.publishes(lobby_, "x"));
    ASSERT_TRUE(node.heard().wait_for(1));

    KafkaBrokerOptions options = server().tls_options(topic);
    options.access.sasl.password = "wrong-password";
    BrokerNode wrong_password(with(options));
    EXPECT_THAT(wrong_password.last_detail(),
                AllOf(HasSubstr("Authentication failed"), Not(HasSubstr("wrong-password"))));
    EXPECT_EQ(wrong_password.publishes(lobby_, "x").error(), Errc::unavailable);

    options = server().tls_options(topic);
    options.access.tls.ca_file.clear();
    BrokerNode other_ca(with(options));
    EXPECT_THAT(other_ca.last_detail(), HasSubstr("certificate verify failed"));

    options = server().tls_options(topic);
    options.access.servers.front().host = "127.1";  // a name that is not in the certificate
    BrokerNode other_name(with(options));
    EXPECT_THAT(other_name.last_detail(), HasSubstr("verify failed"));
    EXPECT_FALSE(other_name.is_connected());
}

}  // namespace
}  // namespace roomcast::test

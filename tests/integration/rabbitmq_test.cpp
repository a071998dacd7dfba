// SPDX-License-Identifier: Apache-2.0
// The RabbitMQ broker where the server is not as it should be. One server for all tests.
#include "brokers/rabbitmq.hpp"

#include <chrono>
#include <memory>
#include <string>

#include <gmock/gmock.h>

#include "brokers/lanes.hpp"
#include "tests/support/broker_node.hpp"
#include "tests/support/rabbitmq_server.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace roomcast::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class RabbitmqTest : public testing::Test {
protected:
    void SetUp() override { ROOMCAST_SKIP_WITHOUT_RABBITMQ(); }

    static RabbitmqBrokerOptions options_for(std::uint16_t port) {
        RabbitmqBrokerOptions options;
        options.address.port = port;
        return options;
    }

    static BrokerNode::Make with(const RabbitmqBrokerOptions& options) {
        return [options](net::EventLoop& loop) {
            return std::make_unique<RabbitmqBroker>(options, loop);
        };
    }

    static BrokerNode::Make direct() { return with(options_for(rabbitmq_server().port())); }

    static std::chrono::milliseconds since(steady_clock::time_point begin) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin);
    }

    const ChannelName lobby_ = *ChannelName::make("lobby");
    const ChannelName hall_ = *ChannelName::make("hall");
};

TEST_F(RabbitmqTest, AnOperatorWhoClosesAllConnectionsCausesAGap) {
    BrokerNode node(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    EXPECT_TRUE(node.publishes(lobby_, "1"));
    ASSERT_TRUE(node.heard().wait_for(1));
    (void)rabbitmq_server().control({"close_all_connections", "maintenance"});
    ASSERT_TRUE(node.heard().wait_for(2));
    EXPECT_TRUE(node.publishes(lobby_, "2"));
    ASSERT_TRUE(node.heard().wait_for(3));
    EXPECT_THAT(node.heard().all(), ElementsAre("1", "gap of lobby", "2"));
    EXPECT_THAT(node.states(),
                Contains(testing::Pair(
                    false, AllOf(HasSubstr("320 CONNECTION_FORCED"), HasSubstr("maintenance")))));
    EXPECT_TRUE(node.connects());
    EXPECT_EQ(node.figure("roomcast_broker_connections_lost_total"), 2);
    EXPECT_EQ(node.figure("roomcast_broker_gaps_total"), 1);
}

TEST_F(RabbitmqTest, WhenConnectionsAreCutEveryPublicationIsAnsweredOnceAndEveryLossIsAGap) {
    TcpProxy proxy(rabbitmq_server().port());
    BrokerNode node(with(options_for(proxy.port())));
    ASSERT_TRUE(node.subscribes(lobby_));
    const auto answers = std::make_shared<BrokerNode::Answers>();
    std::size_t sent = 0;
    const auto publish = [&](int count) {
        for (int i = 0; i < count; ++i)
            node.publish(lobby_, std::to_string(sent++), answers);
    };
    for (int round = 0; round < 5; ++round) {
        publish(500);
        proxy.cut();
        publish(500);
        ASSERT_TRUE(answers->wait_for(sent));
        ASSERT_TRUE(node.connects());
    }
    ASSERT_TRUE(node.publishes(lobby_, "end"));
    ASSERT_TRUE(eventually([&] { return node.heard().all().back() == "end"; }));
    EXPECT_EQ(answers->all().size(), sent);
    long last = -1;
    std::size_t gaps = 0;
    for (const std::string& event : node.heard().all()) {
        if (event == "end") break;
        if (event == "gap of lobby") {
            ++gaps;
            continue;
        }
        EXPECT_GT(std::stol(event), last) << "doubled, or out of order";
        last = std::stol(event);
    }
    EXPECT_GE(gaps, 1U);
    EXPECT_LE(gaps, 5U);
    EXPECT_EQ(node.figure("roomcast_broker_gaps_total"), static_cast<double>(gaps));
}

TEST_F(RabbitmqTest, AFrozenServerIsNoticedAndNobodyWaitsForIt) {
    RabbitmqServer& server = rabbitmq_server();
    BrokerNode node(direct());
    BrokerNode other(direct());
    BrokerNode silent(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    ASSERT_TRUE(other.connects());
    ASSERT_TRUE(silent.connects());
    server.pause();
    const auto frozen = steady_clock::now();
    EXPECT_EQ(node.publishes(lobby_, "lost").error(), Errc::unavailable);
    EXPECT_LT(since(frozen), 3s);
    // A broker that cannot say good-bye ends all the same.
    const auto stopping = steady_clock::now();
    other.stop();
    EXPECT_LT(since(stopping), 2s);
    EXPECT_TRUE(eventually([&] { return !silent.is_connected() && !node.is_connected(); }));
    EXPECT_LT(since(frozen), 10s);
    std::cout << "frozen: not ready after " << since(frozen).count() << " ms\n";
    ASSERT_TRUE(
        eventually([&] { return node.figure("roomcast_broker_connections_lost_total") == 2; }));
    EXPECT_EQ(node.publishes(lobby_, "lost too").error(), Errc::unavailable);
    server.resume();
    ASSERT_TRUE(node.connects());
    ASSERT_TRUE(node.heard().wait_for(1));
    EXPECT_TRUE(node.publishes(lobby_, "after"));
    ASSERT_TRUE(eventually([&] { return node.heard().all().back() == "after"; }));
    EXPECT_EQ(node.heard().all().front(), "gap of lobby");
}

TEST_F(RabbitmqTest, StartsBeforeTheServerAndRefusesAtOnceMeanwhile) {
    TcpProxy proxy(rabbitmq_server().port());
    proxy.refuse(true);
    BrokerNode node(with(options_for(proxy.port())));
    node.ask_for(lobby_);
    EXPECT_THAT(node.last_detail(), HasSubstr("connecting to 127.0.0.1:"));
    const auto asked = steady_clock::now();
    EXPECT_EQ(node.publishes(lobby_, "early").error(), Errc::unavailable);
    EXPECT_LT(since(asked), 1s);
    proxy.refuse(false);
    ASSERT_TRUE(node.confirmed().wait_for(1));
    EXPECT_TRUE(node.publishes(lobby_, "late"));
    ASSERT_TRUE(node.heard().wait_for(1));
    EXPECT_THAT(node.heard().all(), ElementsAre("late"));
    EXPECT_EQ(node.figure("roomcast_broker_connections_lost_total"), 0);
}

TEST_F(RabbitmqTest, AServerShortOfMemoryIsToldFromOneThatIsAway) {
    RabbitmqServer& server = rabbitmq_server();
    BrokerNode node(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    ASSERT_TRUE(node.connects());
    (void)server.control({"set_vm_memory_high_watermark", "0"});
    // The server tells who publishes.
    ASSERT_TRUE(eventually([&] {
        const auto answer = node.publishes(lobby_, "x");
        return !answer && answer.error() == Errc::broker_blocked;
    }));
    EXPECT_FALSE(node.is_connected());
    EXPECT_THAT(node.last_detail(), HasSubstr("it takes no publications: low on memory"));
    const auto asked = steady_clock::now();
    EXPECT_EQ(node.publishes(lobby_, "y").error(), Errc::broker_blocked);
    EXPECT_LT(since(asked), 1s);
    // Who comes now knows before its first publication.
    BrokerNode late(direct());
    ASSERT_TRUE(late.subscribes(hall_));
    EXPECT_TRUE(
        eventually([&] { return late.last_detail().find("low on mem") != std::string::npos; }));
    (void)server.control({"set_vm_memory_high_watermark", "0.4"});
    ASSERT_TRUE(node.connects());
    ASSERT_TRUE(late.connects());
    EXPECT_TRUE(node.publishes(hall_, "again"));
    ASSERT_TRUE(late.heard().wait_for(1));
    EXPECT_THAT(late.heard().all(), ElementsAre("again"));
    EXPECT_EQ(late.figure("roomcast_broker_connections_lost_total"), 0);
}

TEST_F(RabbitmqTest, SaysWhatAPersonMustPutRight) {
    RabbitmqBrokerOptions options = options_for(rabbitmq_server().port());
    options.address.password = "wrong-password";
    BrokerNode wrong_password(with(options));
    EXPECT_THAT(wrong_password.last_detail(),
                AllOf(HasSubstr("403 ACCESS_REFUSED"), Not(HasSubstr("wrong-password"))));
    EXPECT_EQ(wrong_password.publishes(lobby_, "x").error(), Errc::unavailable);
    EXPECT_FALSE(wrong_password.is_connected());

    options = options_for(rabbitmq_server().port());
    options.address.virtual_host = "nowhere";
    BrokerNode wrong_host(with(options));
    EXPECT_THAT(wrong_host.last_detail(),
                AllOf(HasSubstr("530 NOT_ALLOWED"), HasSubstr("nowhere")));

    options = options_for(rabbitmq_server().port());
    options.topology.exchange = "typed";
    BrokerNode as_topic(with(options));
    ASSERT_TRUE(as_topic.connects());
    options.topology.exchange_type = "direct";
    BrokerNode as_direct(with(options));
    EXPECT_THAT(as_direct.last_detail(),
                AllOf(HasSubstr("declaring the exchange: 406"), HasSubstr("type")));
}

TEST_F(RabbitmqTest, ConnectsOverTlsAndOnlyToACertificateThatItTrusts) {
    RabbitmqServer& server = rabbitmq_server();
    RabbitmqBrokerOptions options = options_for(server.tls_port());
    options.address.is_tls = true;
    options.ca_file = server.ca_file();
    for (const char* const host : {"localhost", "127.0.0.1"}) {
        options.address.host = host;
        BrokerNode node(with(options));
        ASSERT_TRUE(node.subscribes(lobby_)) << node.last_detail();
        EXPECT_TRUE(node.publishes(lobby_, "x", '"' + std::string(200'000, 'x') + '"'));
        ASSERT_TRUE(node.heard().wait_for(1));
    }
    options.address.host = "127.1";  // the same address, by a name that is not in the certificate
    BrokerNode other_name(with(options));
    EXPECT_THAT(other_name.last_detail(), HasSubstr("certificate verify failed"));
    options.address.host = "localhost";
    options.ca_file = server.other_ca_file();
    BrokerNode other_ca(with(options));
    EXPECT_THAT(other_ca.last_detail(), HasSubstr("certificate verify failed"));
    EXPECT_EQ(other_ca.publishes(lobby_, "x").error(), Errc::unavailable);
}

TEST_F(RabbitmqTest, WhatTheServerFindsTooLargeIsRefusedAsSuch) {
    BrokerNode node(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    const std::string large = '"' + std::string(RabbitmqServer::kMessageBytes, 'x') + '"';
    EXPECT_EQ(node.publishes(lobby_, "large", large).error(), Errc::limit);
    EXPECT_TRUE(node.publishes(lobby_, "small"));
    EXPECT_EQ(node.figure("roomcast_broker_connections_lost_total"), 1);
    // Now it is known.
    EXPECT_EQ(node.publishes(lobby_, "large", large).error(), Errc::limit);
    EXPECT_TRUE(node.publishes(lobby_, "small"));
    EXPECT_EQ(node.figure("roomcast_broker_connections_lost_total"), 1);
    ASSERT_TRUE(node.heard().wait_for(2));
    EXPECT_THAT(node.heard().all(), ElementsAre("small", "small"));
}

TEST_F(RabbitmqTest, AnExchangeAndQueuesByOtherNamesServeAsWell) {
    RabbitmqServer& server = rabbitmq_server();
    RabbitmqBrokerOptions options = options_for(server.port());
    options.topology = {.exchange = "other",
                        .exchange_type = "direct",
                        .routing_key_prefix = "rc.",
                        .queue = "gateway",
                        .is_exclusive = false,
                        .is_auto_delete = true};
    BrokerNode node(with(options));
    BrokerNode other(with(options));
    ASSERT_TRUE(node.subscribes(lobby_));
    ASSERT_TRUE(other.subscribes(lobby_));
    EXPECT_TRUE(node.publishes(lobby_, "1"));
    ASSERT_TRUE(node.heard().wait_for(1));
    ASSERT_TRUE(other.heard().wait_for(1));

    // Somebody deletes a queue: its node notices.
    const std::string queues = server.control({"list_queues", "--no-table-headers", "name"});
    const std::size_t begin = queues.find("gateway.");
    ASSERT_NE(begin, std::string::npos) << queues;
    const std::string name = queues.substr(begin, queues.find('\n', begin) - begin);
    (void)server.control({"delete_queue", name});
    ASSERT_TRUE(
        eventually([&] { return node.heard().all().size() + other.heard().all().size() == 3; }));
    EXPECT_TRUE(node.publishes(lobby_, "2"));
    for (BrokerNode* each : {&node, &other}) {
        ASSERT_TRUE(eventually([&] { return each->heard().all().back() == "2"; }));
    }
}

TEST_F(RabbitmqTest, AnExchangeThatWasDeletedAndMadeAgainIsNoticedAndCausesAGap) {
    RabbitmqBrokerOptions options = options_for(rabbitmq_server().port());
    options.topology.exchange = "remade";
    options.probe_interval = 200ms;
    BrokerNode node(with(options));
    ASSERT_TRUE(node.subscribes(lobby_));
    EXPECT_TRUE(node.publishes(lobby_, "1"));
    ASSERT_TRUE(node.heard().wait_for(1));
    (void)rabbitmq_server().control(
        {"eval",
         "X = rabbit_misc:r(<<\"/\">>, exchange, <<\"remade\">>), "
         "rabbit_exchange:delete(X, false, <<\"test\">>), "
         "rabbit_exchange:declare(X, topic, true, false, false, [], <<\"test\">>), ok."});
    ASSERT_TRUE(node.heard().wait_for(2));
    EXPECT_TRUE(node.publishes(lobby_, "2"));
    ASSERT_TRUE(node.heard().wait_for(3));
    EXPECT_THAT(node.heard().all(), ElementsAre("1", "gap of lobby", "2"));
    EXPECT_THAT(node.states(),
                Contains(testing::Pair(false, HasSubstr("does not reach this node's queue"))));
}

TEST_F(RabbitmqTest, LanesAreBoundWhileTheyAreUsed) {
    RabbitmqServer& server = rabbitmq_server();
    RabbitmqBrokerOptions options = options_for(server.port());
    options.topology.exchange = "lanes";
    BrokerNode node(with(options));
    ASSERT_NE(lane_of(lobby_.text()), lane_of(hall_.text()));
    ASSERT_TRUE(node.subscribes(lobby_));
    ASSERT_TRUE(node.subscribes(hall_));
    const auto bindings = [&] {
        return server.control(
            {"list_bindings", "--no-table-headers", "source_name", "routing_key"});
    };
    const auto line = [](const ChannelName& channel) {
        return "lanes\tbroadcast.lane." + std::to_string(lane_of(channel.text())) + '\n';
    };
    EXPECT_THAT(bindings(),
                AllOf(HasSubstr(line(lobby_)),
                      HasSubstr(line(hall_)),
                      HasSubstr("lanes\tbroadcast.control\n")));
    node.unsubscribe(hall_);
    EXPECT_TRUE(eventually([&] { return bindings().find(line(hall_)) == std::string::npos; }));
    EXPECT_THAT(bindings(), HasSubstr(line(lobby_)));
    ASSERT_TRUE(node.subscribes(hall_));
    EXPECT_TRUE(node.publishes(hall_, "x"));
    ASSERT_TRUE(node.heard().wait_for(1));
}

}  // namespace
}  // namespace roomcast::test

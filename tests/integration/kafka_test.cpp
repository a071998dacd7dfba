// SPDX-License-Identifier: Apache-2.0
// The Kafka broker where the cluster is not as it should be: the library's mock cluster.
#include "brokers/kafka.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include <gmock/gmock.h>

#include "tests/support/broker_node.hpp"
#include "tests/support/kafka_clients.hpp"
#include "tests/support/kafka_mock.hpp"

namespace roomcast::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class KafkaTest : public testing::Test {
protected:
    KafkaTest() { mock_.create(kTopic); }

    static BrokerNode::Make with(const KafkaBrokerOptions& options) {
        return [options](net::EventLoop&) { return std::make_unique<KafkaBroker>(options); };
    }

    [[nodiscard]] KafkaBrokerOptions options() const {
        KafkaBrokerOptions options = mock_.options(kTopic);
        options.probe_interval = 500ms;
        return options;
    }

    [[nodiscard]] BrokerNode::Make direct() const { return with(options()); }

    static std::chrono::milliseconds since(steady_clock::time_point begin) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin);
    }

    /// Publishes until `count` have been taken; gives their events in order.
    std::vector<std::string> publish_until_taken(BrokerNode& node, std::size_t count) {
        std::vector<std::string> taken;
        for (int i = 0; taken.size() < count && i < 10'000; ++i) {
            const std::string event = "after " + std::to_string(i);
            if (node.publishes(lobby_, event)) taken.push_back(event);
        }
        return taken;
    }

    /// Publishes the numbers below `count`; all have been taken.
    std::vector<std::string> publish_numbers(BrokerNode& node, std::size_t count) {
        std::vector<std::string> numbers;
        const auto answers = std::make_shared<BrokerNode::Answers>();
        for (std::size_t i = 0; i < count; ++i) {
            numbers.push_back(std::to_string(i));
            node.publish(lobby_, numbers.back(), answers);
        }
        EXPECT_TRUE(answers->wait_for(count));
        EXPECT_TRUE(std::ranges::all_of(answers->all(),
                                        [](const auto& answer) { return answer.has_value(); }));
        return numbers;
    }

    static constexpr const char* kTopic = "realtime-broadcast";

    const ChannelName lobby_ = *ChannelName::make("lobby");
    const ChannelName hall_ = *ChannelName::make("hall");
    KafkaMock mock_;
};

TEST_F(KafkaTest, AnOutageDelaysAndLosesNothing) {
    BrokerNode node(direct());
    BrokerNode other(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    ASSERT_TRUE(other.subscribes(lobby_));
    EXPECT_TRUE(node.publishes(lobby_, "before"));
    ASSERT_TRUE(other.heard().wait_for(1));
    mock_.go_down();
    const auto down = steady_clock::now();
    const auto asked = std::make_shared<BrokerNode::Answers>();
    node.publish(lobby_, "lost", asked);
    ASSERT_TRUE(asked->wait_for(1));
    EXPECT_FALSE(asked->all().front());
    EXPECT_LT(since(down), 2'500ms);
    ASSERT_TRUE(eventually([&] { return !node.is_connected() && !other.is_connected(); }));
    EXPECT_LT(since(down), 10s);
    std::cout << "down: not ready after " << since(down).count() << " ms\n";
    EXPECT_THAT(node.last_detail(), HasSubstr("127.0.0.1:"));
    const auto refused = steady_clock::now();
    EXPECT_EQ(node.publishes(lobby_, "refused").error(), Errc::unavailable);
    EXPECT_LT(since(refused), 500ms);
    // Kafka keeps what is published: this subscription misses nothing either.
    ASSERT_TRUE(other.subscribes(hall_));
    mock_.come_up();
    ASSERT_TRUE(node.connects());
    ASSERT_TRUE(other.connects());
    ASSERT_TRUE(node.publishes(lobby_, "after"));
    ASSERT_TRUE(node.publishes(hall_, "in the hall"));
    ASSERT_TRUE(other.heard().wait_for(3));
    EXPECT_THAT(other.heard().all(),
                testing::UnorderedElementsAre("before", "after", "in the hall"));
    EXPECT_EQ(other.figure("roomcast_broker_gaps_total"), 0);
    EXPECT_EQ(other.figure("roomcast_broker_connections_lost_total"), 1);
    EXPECT_EQ(node.figure("roomcast_broker_pending_publishes"), 0);
}

TEST_F(KafkaTest, ABusyHomeIsWaitedForAndMissesNothing) {
    KafkaBrokerOptions narrow = options();
    narrow.limits.mail_entries = 100;
    narrow.read_patience = 600ms;  // shorter than the home is busy: that is no fault of Kafka
    BrokerNode node(with(narrow));
    BrokerNode other(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    ASSERT_TRUE(other.subscribes(lobby_));
    std::promise<void> free;
    node.occupy(lobby_, [busy = free.get_future().share()] { busy.wait(); });
    const auto published = publish_numbers(other, 1'000);
    ASSERT_TRUE(other.heard().wait_for(published.size()));
    ASSERT_TRUE(eventually([&] { return node.figure("roomcast_broker_lag_messages") >= 900; }));
    std::this_thread::sleep_for(4 * narrow.probe_interval);
    free.set_value();
    ASSERT_TRUE(node.heard().wait_for(published.size()));
    EXPECT_TRUE(node.is_connected());
    EXPECT_THAT(node.states(), SizeIs(1)) << "it was said to be unconnected";
    EXPECT_EQ(node.heard().all(), published);
    EXPECT_EQ(node.figure("roomcast_broker_messages_dropped_total"), 0);
}

TEST_F(KafkaTest, WhoIsBusyForTooLongIsToldOfTheGap) {
    KafkaBrokerOptions narrow = options();
    narrow.limits.mail_entries = 100;
    narrow.home_patience = 300ms;
    BrokerNode node(with(narrow));
    BrokerNode other(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    ASSERT_TRUE(other.connects());
    std::promise<void> free;
    node.occupy(lobby_, [busy = free.get_future().share()] { busy.wait(); });
    const auto published = publish_numbers(other, 1'000);
    ASSERT_TRUE(
        eventually([&] { return node.figure("roomcast_broker_messages_dropped_total") == 900; }));
    free.set_value();
    ASSERT_TRUE(node.heard().wait_for(101));
    std::vector<std::string> expected(published.begin(), published.begin() + 100);
    expected.emplace_back("gap of lobby");
    EXPECT_EQ(node.heard().all(), expected);
    ASSERT_TRUE(other.publishes(lobby_, "after"));
    ASSERT_TRUE(node.heard().wait_for(102));
    EXPECT_EQ(node.heard().all().back(), "after");
}

TEST_F(KafkaTest, StartsBeforeTheClusterAndRefusesAtOnceMeanwhile) {
    mock_.go_down();
    BrokerNode node(direct());
    node.ask_for(lobby_);
    const auto asked = steady_clock::now();
    EXPECT_EQ(node.publishes(lobby_, "early").error(), Errc::unavailable);
    EXPECT_LT(since(asked), 500ms);
    EXPECT_THAT(node.last_detail(), HasSubstr("Connection refused"));
    mock_.come_up();
    ASSERT_TRUE(node.confirmed().wait_for(1));
    EXPECT_TRUE(node.publishes(lobby_, "late"));
    ASSERT_TRUE(node.heard().wait_for(1));
    EXPECT_THAT(node.heard().all(), ElementsAre("late"));
}

TEST_F(KafkaTest, EndsSoonThoughTheClusterIsAway) {
    BrokerNode node(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    mock_.go_down();
    const auto answers = std::make_shared<BrokerNode::Answers>();
    node.publish(lobby_, "lost", answers);
    const auto stopping = steady_clock::now();
    node.stop();
    EXPECT_LT(since(stopping), 2s);
    std::cout << "stopped after " << since(stopping).count() << " ms\n";
    ASSERT_EQ(answers->all().size(), 1U);
    EXPECT_EQ(answers->all().front().error(), Errc::unavailable);
}

TEST_F(KafkaTest, WhatTheClusterRefusesForAMomentIsSentAgain) {
    BrokerNode node(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    EXPECT_TRUE(node.publishes(lobby_, "first"));
    // One publication at a time: these brokers, unlike real ones, would take later ones first.
    std::vector<std::string> published = {"first"};
    for (const auto error : {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                             RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                             RD_KAFKA_RESP_ERR__TRANSPORT,
                             RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT}) {
        mock_.fail_next(KafkaMock::kProduce, {error, error});
        published.emplace_back(rd_kafka_err2name(error));
        EXPECT_TRUE(node.publishes(lobby_, published.back()));
    }
    ASSERT_TRUE(node.heard().wait_for(published.size()));
    EXPECT_EQ(node.heard().all(), published);
    EXPECT_EQ(node.figure("roomcast_broker_calls_failed_total"), 0);
}

TEST_F(KafkaTest, WhatIsTooLargeForTheClusterIsRefusedAsSuch) {
    BrokerNode node(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    mock_.fail_next(KafkaMock::kProduce, {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
    EXPECT_EQ(node.publishes(lobby_, "large").error(), Errc::limit);
    EXPECT_TRUE(node.publishes(lobby_, "small"));
    ASSERT_TRUE(node.heard().wait_for(1));
    EXPECT_THAT(node.heard().all(), ElementsAre("small"));
    EXPECT_EQ(node.figure("roomcast_broker_calls_failed_total"), 1);
}

TEST_F(KafkaTest, AProducerThatIsOfNoUseAnyMoreIsReplaced) {
    mock_.fail_next(KafkaMock::kInitProducerId, {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED});
    BrokerNode node(direct());
    ASSERT_TRUE(eventually([&] {
        for (const auto& [is_connected, detail] : node.states()) {
            if (!is_connected && detail.find("uthoriz") != std::string::npos) return true;
        }
        return false;
    }));
    ASSERT_TRUE(node.connects());
    ASSERT_TRUE(node.subscribes(lobby_));
    EXPECT_TRUE(node.publishes(lobby_, "x"));
    ASSERT_TRUE(node.heard().wait_for(1));
}

TEST_F(KafkaTest, FollowsPartitionsThatAnotherServerLeads) {
    BrokerNode node(direct());
    BrokerNode other(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    ASSERT_TRUE(other.subscribes(lobby_));
    std::vector<std::string> taken;
    for (std::int32_t broker = 1; broker <= KafkaMock::kBrokers; ++broker) {
        mock_.move_leaders(kTopic, broker);
        for (int i = 0; i < 20; ++i) {
            const std::string event = std::to_string(broker) + ' ' + std::to_string(i);
            if (node.publishes(lobby_, event)) taken.push_back(event);
        }
    }
    EXPECT_THAT(taken, SizeIs(60));
    for (BrokerNode* each : {&node, &other}) {
        ASSERT_TRUE(each->heard().wait_for(taken.size()));
        EXPECT_EQ(each->heard().all(), taken);
    }
}

TEST_F(KafkaTest, ALineThatIsSlowIsOnlySlow) {
    mock_.set_round_trip(400ms);
    BrokerNode node(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    const auto answers = std::make_shared<BrokerNode::Answers>();
    for (int i = 0; i < 100; ++i)
        node.publish(lobby_, std::to_string(i), answers);
    ASSERT_TRUE(answers->wait_for(100));
    for (const auto& answer : answers->all())
        EXPECT_TRUE(answer);
    ASSERT_TRUE(node.heard().wait_for(100));
    EXPECT_TRUE(node.is_connected());
}

TEST_F(KafkaTest, ATopicThatMayNotBeUsedIsSaid) {
    mock_.set_topic_error(kTopic, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    BrokerNode node(direct());
    EXPECT_THAT(node.last_detail(), HasSubstr("Topic authorization failed"));
    EXPECT_EQ(node.publishes(lobby_, "x").error(), Errc::unavailable);
    mock_.set_topic_error(kTopic, RD_KAFKA_RESP_ERR_NO_ERROR);
    ASSERT_TRUE(node.connects());
    ASSERT_TRUE(node.subscribes(lobby_));
    EXPECT_TRUE(node.publishes(lobby_, "x"));
}

TEST_F(KafkaTest, APartitionWithoutALeaderFailsItsChannelsAlone) {
    BrokerNode node(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    EXPECT_TRUE(node.publishes(lobby_, "before"));
    for (std::int32_t partition = 0; partition < KafkaMock::kPartitions; ++partition)
        mock_.set_leader(kTopic, partition, partition == 0 ? 1 : -1);
    std::size_t taken = 0;
    std::size_t refused = 0;
    const auto answers = std::make_shared<BrokerNode::Answers>();
    for (int i = 0; i < 40; ++i)
        node.publish(*ChannelName::make("channel " + std::to_string(i)), "x", answers);
    ASSERT_TRUE(answers->wait_for(40));
    for (const auto& answer : answers->all())
        ++(answer ? taken : refused);
    EXPECT_GT(taken, 0U);
    EXPECT_GT(refused, taken);
    EXPECT_TRUE(node.is_connected());
    mock_.move_leaders(kTopic, 2);
    EXPECT_THAT(publish_until_taken(node, 1), SizeIs(1));
}

TEST_F(KafkaTest, PoisonIsCountedAndPassedBy) {
    BrokerNode node(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    KafkaFeed feed(mock_.options(kTopic));
    feed.put("", R"({"type":"broadcast"})");
    feed.put(std::string(300, 'x'), "{}");
    feed.put("lobby", "not JSON");
    feed.put("lobby", "");
    feed.put("lobby", R"({"type":"presence","channel_id":"lobby"})");
    feed.put("of nobody here", "not JSON either");
    // As a gateway of the base system writes it.
    feed.put("lobby",
             R"({"type":"broadcast","channel_id":"lobby","event":"of the base","payload":1,)"
             R"("meta":{"user_id":"","meta":null,"updated_at":0},"ts":1620000000000})");
    feed.flush();
    ASSERT_TRUE(node.heard().wait_for(1));
    EXPECT_THAT(node.heard().all(), ElementsAre("of the base"));
    EXPECT_TRUE(eventually([&] { return node.figure("roomcast_broker_bad_messages_total") == 5; }));
    EXPECT_EQ(node.figure("roomcast_broker_gaps_total"), 0);
}

TEST_F(KafkaTest, IsNotReadyWhileItCannotRead) {
    KafkaBrokerOptions impatient = options();
    impatient.read_patience = 1s;
    BrokerNode node(with(impatient));
    ASSERT_TRUE(node.subscribes(lobby_));
    const std::vector<rd_kafka_resp_err_t> refusals(2'000,
                                                    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    mock_.fail_next(KafkaMock::kFetch, refusals);
    EXPECT_TRUE(node.publishes(lobby_, "x"));
    ASSERT_TRUE(eventually([&] { return !node.is_connected(); }));
    EXPECT_EQ(node.figure("roomcast_broker_lag_messages"), 1);
    EXPECT_THAT(
        node.last_detail(),
        AllOf(HasSubstr("nothing arrives of partition"), HasSubstr("authorization failed")));
    mock_.forget_failures(KafkaMock::kFetch);
    ASSERT_TRUE(node.heard().wait_for(1));
    ASSERT_TRUE(node.connects());
    EXPECT_TRUE(eventually([&] { return node.figure("roomcast_broker_lag_messages") == 0; }));
    EXPECT_EQ(node.figure("roomcast_broker_gaps_total"), 0);
}

TEST_F(KafkaTest, WhereKafkaHasLostWhatWasToBeReadThatIsAGap) {
    BrokerNode node(direct());
    ASSERT_TRUE(node.subscribes(lobby_));
    EXPECT_TRUE(node.publishes(lobby_, "before"));
    ASSERT_TRUE(node.heard().wait_for(1));
    // As a real one, it goes on saying so: a single answer may come too late to count.
    mock_.fail_next(KafkaMock::kFetch,
                    std::vector<rd_kafka_resp_err_t>(8, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE));
    ASSERT_TRUE(eventually([&] { return node.figure("roomcast_broker_gaps_total") >= 1; }));
    mock_.forget_failures(KafkaMock::kFetch);
    // What is published while a partition's end is looked for is in the gap.
    ASSERT_TRUE(eventually([&] {
        EXPECT_TRUE(node.publishes(lobby_, "after"));
        return node.heard().all().back() == "after";
    }));
    EXPECT_EQ(node.heard().all()[0], "before");
    EXPECT_EQ(node.heard().all()[1], "gap of lobby");
    EXPECT_TRUE(node.is_connected());
}

}  // namespace
}  // namespace roomcast::test

// SPDX-License-Identifier: Apache-2.0
// The Redis client in a Cluster of three masters.
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/redis_client_driver.hpp"
#include "tests/support/redis_cluster.hpp"

namespace roomcast::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const redis::Script kAppend("return redis.call('RPUSH', KEYS[1], ARGV[1])");

redis::ClientOptions options_for(RedisCluster& cluster, bool is_sharded) {
    redis::ClientOptions options;
    options.address = cluster.address();
    options.scripts = {&kAppend};
    options.has_sharded_channels = is_sharded;
    return options;
}

/// What of `one` is in `other` too, in the order of `one`.
std::vector<std::string> common(std::vector<std::string> one,
                                const std::vector<std::string>& other) {
    const std::set<std::string> known(other.begin(), other.end());
    std::erase_if(one, [&](const std::string& text) { return !known.contains(text); });
    return one;
}

class RedisClusterClientTest : public testing::TestWithParam<bool> {
protected:
    void SetUp() override { ROOMCAST_SKIP_WITHOUT_REDIS(); }
};

INSTANTIATE_TEST_SUITE_P(Channels, RedisClusterClientTest, testing::Bool(), [](const auto& test) {
    return test.param ? "Sharded" : "Plain";
});

TEST_P(RedisClusterClientTest, CallsAndMessagesGoToTheOwnerOfTheirSlot) {
    RedisCluster cluster;
    RedisClientDriver driver(options_for(cluster, GetParam()));
    ASSERT_TRUE(driver.connects());
    driver.run([&](redis::Client& client) {
        EXPECT_EQ(client.publish_command(), GetParam() ? "SPUBLISH" : "PUBLISH");
    });
    std::set<std::size_t> owners;
    for (int i = 0; i < 30; ++i) {
        const std::string name = "c" + std::to_string(i);
        owners.insert(cluster.owner(cluster.slot_of(name)));
        EXPECT_EQ(driver.call({"SET", name, name}, name)->text, "OK");
        EXPECT_EQ(driver.eval(kAppend, {"list" + name}, {"x"})->integer, 1);
        ASSERT_TRUE(driver.subscribes(name));
        EXPECT_EQ(driver.publish(name, "x")->integer, 1);
        EXPECT_TRUE(eventually([&] { return driver.sink().messages(name).size() == 1; }));
    }
    EXPECT_EQ(owners.size(), 3U);
    EXPECT_EQ(driver.figures().redirects, 0U);
    EXPECT_THAT(driver.sink().last_detail(), HasSubstr("3 masters"));
}

TEST_P(RedisClusterClientTest, ASlotThatMovesUnderLoadLosesNothingUnsaid) {
    RedisCluster cluster;
    RedisClientDriver driver(options_for(cluster, GetParam()));
    ASSERT_TRUE(driver.connects());
    const std::string channel = "lobby";
    const std::string list = "list{lobby}";
    ASSERT_TRUE(driver.subscribes(channel));
    const int slot = cluster.slot_of(channel);
    NumberedPublisher publisher(driver, channel);
    std::atomic<int> appended{0};
    std::vector<std::string> append_errors;
    int appends = 0;
    const auto load = [&] {
        publisher.send(20);
        for (int i = 0; i < 20; ++i) {
            const std::string number = std::to_string(appends++);
            driver.post([&, number](redis::Client& client) {
                client.eval(kAppend,
                            std::vector<std::string>{list},
                            std::vector<std::string>{number},
                            [&](const redis::Reply& reply) {
                                if (!reply) append_errors.push_back(reply.error().text);
                                appended.fetch_add(1);
                            });
            });
        }
    };
    for (int round = 0; round < 3; ++round) {
        const std::size_t to = (cluster.owner(slot) + 1) % RedisCluster::kNodes;
        load();
        cluster.begin_move(slot, to);
        load();
        cluster.move_keys(slot, to);
        load();
        cluster.finish_move(slot, to);
        load();
        ASSERT_TRUE(publisher.waits_for_answers());
        ASSERT_TRUE(eventually([&] { return appended.load() == appends; }));
        const auto confirmed = static_cast<std::size_t>(round) + 2;
        ASSERT_TRUE(
            eventually([&] { return driver.sink().confirmations(channel).size() >= confirmed; }));
    }
    EXPECT_THAT(publisher.failures(), IsEmpty());
    EXPECT_THAT(append_errors, IsEmpty());
    // Nothing is done twice, nor is any lost.
    const auto kept = driver.call({"LRANGE", list, "0", "-1"}, list);
    std::set<std::string> distinct;
    for (const resp::Value& item : kept->items)
        distinct.insert(item.text);
    EXPECT_EQ(kept->items.size(), static_cast<std::size_t>(appends));
    EXPECT_EQ(distinct.size(), static_cast<std::size_t>(appends));
    EXPECT_GT(driver.figures().redirects, 0U);
    // The last confirmation is older than these: they all arrive.
    publisher.send(10);
    ASSERT_TRUE(publisher.waits_for_answers());
    const std::string last = publisher.accepted().back();
    ASSERT_TRUE(eventually([&] { return driver.sink().messages(channel).back() == last; }));
    // Between two marks, none is left out and none comes twice.
    int previous = 0;
    bool may_jump = false;
    for (const std::string& message : driver.sink().messages(channel)) {
        if (message == RecordingClientSink::kGap) {
            may_jump = true;
            continue;
        }
        const int number = std::stoi(message);
        if (may_jump) {
            EXPECT_GT(number, previous);
        } else {
            EXPECT_EQ(number, previous + 1);
        }
        previous = number;
        may_jump = false;
    }
}

TEST_P(RedisClusterClientTest, AllClientsHearOneOrderWhileASlotMoves) {
    RedisCluster cluster;
    const std::string channel = "lobby";
    std::vector<std::unique_ptr<RedisClientDriver>> drivers;
    std::vector<std::unique_ptr<NumberedPublisher>> publishers;
    for (int i = 0; i < 3; ++i) {
        drivers.push_back(std::make_unique<RedisClientDriver>(options_for(cluster, GetParam())));
        RedisClientDriver& driver = *drivers.back();
        ASSERT_TRUE(driver.connects());
        ASSERT_TRUE(driver.subscribes(channel));
        publishers.push_back(
            std::make_unique<NumberedPublisher>(driver, channel, std::to_string(i) + "."));
    }
    const auto load = [&] {
        for (const auto& publisher : publishers)
            publisher->send(20);
    };
    const int slot = cluster.slot_of(channel);
    for (std::size_t round = 0; round < 4; ++round) {
        const std::size_t to = (cluster.owner(slot) + 1) % RedisCluster::kNodes;
        load();
        cluster.begin_move(slot, to);
        load();
        cluster.move_keys(slot, to);
        cluster.finish_move(slot, to);
        // One of them learns it by this at once, the others later.
        EXPECT_TRUE(drivers[round % drivers.size()]->eval(kAppend, {"list{lobby}"}, {"x"}));
        for (int i = 0; i < 5; ++i)
            load();
        for (std::size_t i = 0; i < drivers.size(); ++i) {
            ASSERT_TRUE(publishers[i]->waits_for_answers());
            ASSERT_TRUE(eventually(
                [&] { return drivers[i]->sink().confirmations(channel).size() >= round + 2; }));
        }
    }
    // All are heard: the last confirmation of each is older.
    ASSERT_EQ(drivers.front()->publish(channel, "end").has_value(), true);
    std::vector<std::vector<std::string>> heard;
    for (const auto& driver : drivers) {
        ASSERT_TRUE(eventually([&] { return driver->sink().messages(channel).back() == "end"; }));
        heard.push_back(driver->sink().messages(channel));
        std::erase(heard.back(), RecordingClientSink::kGap);
    }
    for (const auto& one : heard) {
        EXPECT_EQ(std::set(one.begin(), one.end()).size(), one.size()) << "some came twice";
        for (const auto& other : heard)
            EXPECT_EQ(common(one, other), common(other, one));
    }
}

TEST_P(RedisClusterClientTest, ANodeThatIsAwayIsMissedAndItsChannelsComeBackWithIt) {
    RedisCluster cluster;
    RedisClientDriver driver(options_for(cluster, GetParam()));
    ASSERT_TRUE(driver.connects());
    ASSERT_TRUE(driver.subscribes("lobby"));
    RedisServer& owner = cluster.node(cluster.owner(cluster.slot_of("lobby")));
    owner.crash();
    ASSERT_TRUE(eventually([&] { return !driver.is_connected(); }));
    EXPECT_EQ(driver.call({"GET", "lobby"}, "lobby").error().fault, redis::Fault::not_sent);
    owner.start();
    cluster.wait_until_ready();
    ASSERT_TRUE(driver.connects());
    ASSERT_TRUE(eventually([&] { return driver.sink().confirmations("lobby").size() == 2; }));
    EXPECT_THAT(driver.sink().confirmations("lobby"), ElementsAre(false, true));
    EXPECT_EQ(driver.publish("lobby", "x")->integer, 1);
}

TEST(RedisClusterModeTest, WorksOverTls) {
    ROOMCAST_SKIP_WITHOUT_REDIS();
    RedisCluster cluster({.each = {.is_tls = true}});
    redis::ClientOptions options = options_for(cluster, true);
    options.address.is_tls = true;
    options.tls = net::load_tls_trust(cluster.ca_file());
    RedisClientDriver driver(options);
    ASSERT_TRUE(driver.connects());
    ASSERT_TRUE(driver.subscribes("lobby"));
    const int slot = cluster.slot_of("lobby");
    cluster.move_slot(slot, (cluster.owner(slot) + 1) % RedisCluster::kNodes);
    ASSERT_TRUE(eventually([&] { return driver.sink().confirmations("lobby").size() == 2; }));
    EXPECT_EQ(driver.publish("lobby", "x")->integer, 1);
    EXPECT_TRUE(eventually([&] { return driver.sink().messages("lobby").back() == "x"; }));
}

TEST(RedisClusterModeTest, IsToldApartFromASingleServer) {
    ROOMCAST_SKIP_WITHOUT_REDIS();
    RedisCluster cluster;
    redis::ClientOptions options;
    options.address.endpoints = {{"127.0.0.1", cluster.node(0).port()}};
    RedisClientDriver direct(options);
    ASSERT_TRUE(eventually([&] { return !direct.sink().states().empty(); }));
    EXPECT_THAT(direct.sink().last_detail(), HasSubstr("use redis+cluster://"));

    const RedisServer server;
    options.address.mode = redis::Mode::cluster;
    options.address.endpoints = {{"127.0.0.1", server.port()}};
    RedisClientDriver in_cluster(options);
    ASSERT_TRUE(eventually([&] { return !in_cluster.sink().states().empty(); }));
    EXPECT_THAT(in_cluster.sink().last_detail(), HasSubstr("cluster support is disabled"));
}

}  // namespace
}  // namespace roomcast::test

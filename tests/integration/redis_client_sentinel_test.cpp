// SPDX-License-Identifier: Apache-2.0
// The Redis client where sentinels say which server is the master.
#include <iostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/redis_client_driver.hpp"
#include "tests/support/redis_sentinels.hpp"

namespace roomcast::test {
namespace {

using testing::HasSubstr;

redis::ClientOptions options_for(RedisSentinels& servers) {
    redis::ClientOptions options;
    options.address = servers.address();
    return options;
}

std::string address_of(const RedisServer& server) {
    return "127.0.0.1:" + std::to_string(server.port());
}

class RedisSentinelClientTest : public testing::Test {
protected:
    void SetUp() override { ROOMCAST_SKIP_WITHOUT_REDIS(); }

    /// Until messages come from `master`, with the time it took since `begin`.
    static void expect_service_at(RedisClientDriver& driver,
                                  const RedisServer& master,
                                  std::chrono::steady_clock::time_point begin,
                                  const char* what) {
        ASSERT_TRUE(eventually([&] { return driver.sink().last_detail() == address_of(master); }))
            << testing::PrintToString(driver.sink().states());
        ASSERT_TRUE(eventually([&] {
            return master.command({"PUBLISH", "lobby", "x"}).integer == 1;
        }));
        const auto took = std::chrono::steady_clock::now() - begin;
        std::cout << what << ": service after "
                  << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms\n";
        EXPECT_TRUE(driver.call({"SET", "key", "value"}));
    }
};

TEST_F(RedisSentinelClientTest, FollowsTheMasterThroughCrashesAndPlannedFailovers) {
    RedisSentinels servers;
    RedisClientDriver driver(options_for(servers));
    ASSERT_TRUE(driver.connects());
    EXPECT_EQ(driver.sink().last_detail(), address_of(servers.master()));
    ASSERT_TRUE(driver.subscribes("lobby"));

    RedisServer& first = servers.master();
    auto begin = std::chrono::steady_clock::now();
    servers.fail_over_by_crash();
    expect_service_at(driver, servers.master(), begin, "crash of the master");

    first.start();
    servers.wait_until_ready();
    begin = std::chrono::steady_clock::now();
    servers.fail_over_as_planned();
    expect_service_at(driver, servers.master(), begin, "planned failover");
}

TEST_F(RedisSentinelClientTest, DoesWithoutTheSentinelsThatAreAway) {
    RedisSentinels servers;
    servers.sentinel(0).crash();
    RedisClientDriver driver(options_for(servers));
    ASSERT_TRUE(driver.connects());
    // The one that it listens to: nothing is noticed by callers, and another takes its place.
    servers.sentinel(1).crash();
    EXPECT_TRUE(driver.call({"SET", "key", "value"}));
    EXPECT_EQ(driver.figures().connections_lost, 0U);
}

TEST_F(RedisSentinelClientTest, SaysThatTheMastersNameIsUnknown) {
    RedisSentinels servers;
    redis::ClientOptions options = options_for(servers);
    options.address.master_name = "nobody";
    RedisClientDriver driver(options);
    ASSERT_TRUE(eventually([&] { return !driver.sink().states().empty(); }));
    EXPECT_THAT(driver.sink().last_detail(), HasSubstr("does not know a master named \"nobody\""));
    EXPECT_FALSE(driver.is_connected());
}

}  // namespace
}  // namespace roomcast::test

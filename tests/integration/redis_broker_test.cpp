// SPDX-License-Identifier: Apache-2.0
// The Redis broker where servers are not as they should be.
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "brokers/redis.hpp"
#include "tests/support/broker_node.hpp"
#include "tests/support/redis_server.hpp"
#include "util/log.hpp"

namespace roomcast::test {
namespace {

using testing::HasSubstr;

std::unique_ptr<BrokerNode> make_node(redis::Address address) {
    return std::make_unique<BrokerNode>([&](net::EventLoop& loop) {
        RedisBrokerOptions options;
        options.client.address = std::move(address);
        return std::make_unique<RedisBroker>(std::move(options), loop);
    });
}

/// Log lines, from its beginning to its end.
class LogWatch {
public:
    LogWatch() {
        log::start({.writer = [this](std::string_view line) {
            const std::lock_guard lock(mutex_);
            text_ += line;
        }});
    }

    ~LogWatch() { log::stop(); }

    LogWatch(const LogWatch&) = delete;
    LogWatch& operator=(const LogWatch&) = delete;

    [[nodiscard]] std::string text() {
        log::flush();
        const std::lock_guard lock(mutex_);
        return text_;
    }

private:
    std::mutex mutex_;
    std::string text_;
};

TEST(RedisBrokerTest, AChannelThatRedisRefusesIsToldToTheOperatorAndHealsWithTheRight) {
    ROOMCAST_SKIP_WITHOUT_REDIS();
    const RedisServer server;
    (void)server.command({"ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "&rc.*"});
    redis::Address address;
    address.endpoints = {{"127.0.0.1", server.port()}};
    address.user = "app";
    address.password = "secret";
    LogWatch log;
    const auto node = make_node(address);
    const ChannelName lobby = *ChannelName::make("lobby");
    node->ask_for(lobby);
    constexpr const char* kFigure = "roomcast_broker_subscribes_refused_total";
    ASSERT_TRUE(eventually([&] { return node->figure(kFigure) > 0; }));
    EXPECT_THAT(log.text(), HasSubstr("redis refuses a subscription"));
    EXPECT_THAT(log.text(), HasSubstr("broadcast.lobby"));
    EXPECT_THAT(log.text(), HasSubstr("NOPERM"));
    EXPECT_THAT(log.text(), HasSubstr("ACL SETUSER"));
    // It goes on asking.
    ASSERT_TRUE(eventually([&] { return node->figure(kFigure) > 1; }));
    EXPECT_TRUE(node->confirmed().all().empty());

    (void)server.command({"ACL", "SETUSER", "app", "&broadcast.*"});
    ASSERT_TRUE(node->confirmed().wait_for(1));
    EXPECT_TRUE(node->publishes(lobby, "heard"));
    ASSERT_TRUE(node->heard().wait_for(1));
    EXPECT_THAT(node->heard().all(), testing::ElementsAre("heard"));
}

}  // namespace
}  // namespace roomcast::test

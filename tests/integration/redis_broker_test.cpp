// SPDX-License-Identifier: Apache-2.0
// The Redis broker where servers are not as they should be.
#include <mutex>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "brokers/redis.hpp"
#include "net/event_loop.hpp"
#include "tests/contract/contract.hpp"
#include "tests/support/redis_server.hpp"
#include "util/log.hpp"

namespace roomcast::test {
namespace {

using testing::HasSubstr;

/// A broker on one home thread.
class BrokerNode final : public BrokerSink {
public:
    explicit BrokerNode(redis::Address address) : broker_(options(std::move(address)), loop_) {
        broker_.start(*this, homes_);
    }

    ~BrokerNode() override {
        homes_.stop();
        broker_.stop();
    }

    void on_message(BusMessage message) override { events_.add(message.event); }

    void on_gap(const ChannelName&) override {}

    void on_state(bool, std::string_view) override {}

    void on_control(std::string_view) override {}

    void subscribe(const ChannelName& channel) {
        homes_.run(channel, [&] { broker_.subscribe(channel, [this] { confirmed_.add(true); }); });
    }

    void publish(const ChannelName& channel, const std::string& event) {
        homes_.run(channel, [&] {
            BusMessage message;
            message.channel = channel;
            message.event = event;
            message.payload = "{}";
            broker_.publish(std::move(message), [](const auto&) {});
        });
    }

    [[nodiscard]] Notes<bool>& confirmed() { return confirmed_; }

    [[nodiscard]] Notes<std::string>& events() { return events_; }

    [[nodiscard]] double figure(std::string_view name) const {
        for (const Figure& figure : broker_.figures()) {
            if (figure.name == name) return figure.value;
        }
        ADD_FAILURE() << "no figure " << name;
        return 0;
    }

private:
    static RedisBrokerOptions options(redis::Address address) {
        RedisBrokerOptions options;
        options.client.address = std::move(address);
        return options;
    }

    Notes<bool> confirmed_;
    Notes<std::string> events_;
    net::EventLoop loop_{"bus"};
    HomeThreads homes_{1};
    RedisBroker broker_;
};

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
    BrokerNode node(address);
    const ChannelName lobby = *ChannelName::make("lobby");
    node.subscribe(lobby);
    constexpr const char* kFigure = "roomcast_broker_subscribes_refused_total";
    ASSERT_TRUE(eventually([&] { return node.figure(kFigure) > 0; }));
    EXPECT_THAT(log.text(), HasSubstr("redis refuses a subscription"));
    EXPECT_THAT(log.text(), HasSubstr("broadcast.lobby"));
    EXPECT_THAT(log.text(), HasSubstr("NOPERM"));
    EXPECT_THAT(log.text(), HasSubstr("ACL SETUSER"));
    // It goes on asking.
    ASSERT_TRUE(eventually([&] { return node.figure(kFigure) > 1; }));
    EXPECT_TRUE(node.confirmed().all().empty());

    (void)server.command({"ACL", "SETUSER", "app", "&broadcast.*"});
    ASSERT_TRUE(node.confirmed().wait_for(1));
    node.publish(lobby, "heard");
    ASSERT_TRUE(node.events().wait_for(1));
    EXPECT_THAT(node.events().all(), testing::ElementsAre("heard"));
}

}  // namespace
}  // namespace roomcast::test

// SPDX-License-Identifier: Apache-2.0
// Whether the Redis servers of our tests do what those tests rely on.
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/event_loop.hpp"
#include "tests/support/redis_cluster.hpp"
#include "tests/support/redis_sentinels.hpp"
#include "tests/support/redis_server.hpp"

namespace roomcast::test {
namespace {

using testing::StartsWith;

class RedisHarnessTest : public testing::Test {
protected:
    void SetUp() override { ROOMCAST_SKIP_WITHOUT_REDIS(); }
};

TEST_F(RedisHarnessTest, AServerIsEmptyAfterACrashAndKeepsItsPort) {
    RedisServer server;
    const std::uint16_t port = server.port();
    EXPECT_EQ(server.command({"SET", "key", "value"}).text, "OK");
    EXPECT_EQ(server.command({"GET", "key"}).text, "value");
    server.crash();
    EXPECT_FALSE(server.is_running());
    EXPECT_THROW((void)server.command({"PING"}), std::runtime_error);  // that it throws
    server.start();
    EXPECT_EQ(server.port(), port);
    EXPECT_EQ(server.command({"GET", "key"}).kind, RedisReply::Kind::null);
    server.stop();
    EXPECT_FALSE(server.is_running());
}

TEST_F(RedisHarnessTest, APausedServerAnswersWhenItIsResumed) {
    RedisServer server;
    server.pause();
    {
        RedisConnection waiting(server.port(), std::chrono::seconds(1));
        EXPECT_THROW((void)waiting.command({"PING"}), std::runtime_error);  // that it throws
    }
    server.resume();
    EXPECT_EQ(server.command({"PING"}).text, "PONG");
    server.pause();  // its end does not hang on that
}

TEST_F(RedisHarnessTest, OneTestsAServerWithAPassword) {
    RedisServer server({.password = "secret"});
    RedisConnection client(server.port());
    EXPECT_THAT(client.command({"PING"}).text, StartsWith("NOAUTH"));
    EXPECT_THAT(client.command({"AUTH", "wrong"}).text, StartsWith("WRONGPASS"));
    EXPECT_EQ(client.command({"AUTH", "secret"}).text, "OK");
    EXPECT_EQ(client.command({"PING"}).text, "PONG");
    EXPECT_EQ(server.command({"CONFIG", "SET", "requirepass", "changed"}).text, "OK");
    EXPECT_EQ(server.command({"PING"}).text, "PONG");
}

TEST_F(RedisHarnessTest, OneTestsAServerWithUsers) {
    RedisServer server({.user = "app", .password = "secret"});
    RedisConnection client(server.port());
    EXPECT_THAT(client.command({"PING"}).text, StartsWith("NOAUTH"));
    EXPECT_EQ(client.command({"AUTH", "app", "secret"}).text, "OK");
    EXPECT_EQ(client.command({"ACL", "WHOAMI"}).text, "app");
    EXPECT_GE(server.command({"CLIENT", "KILL", "TYPE", "normal"}).integer, 1);
    EXPECT_THROW((void)client.command({"PING"}), std::runtime_error);  // that it throws
}

TEST_F(RedisHarnessTest, AServerWithTlsIsReachedByOurStreams) {
    struct Sink final : net::StreamSink {
        void on_open() override {}

        void on_bytes(std::string_view bytes) override { received.set_value(std::string(bytes)); }

        void on_end(std::string_view reason) override { received.set_value(std::string(reason)); }

        std::promise<std::string> received;
    };

    RedisServer server({.is_tls = true});
    net::EventLoop loop("redis-test");
    Sink sink;
    std::unique_ptr<net::Stream> stream;
    loop.run([&] {
        stream = loop.connect({.endpoint = {"localhost", server.port()},
                               .tls = net::load_tls_trust(server.ca_file()),
                               .connect_deadline = std::chrono::seconds(30)},
                              sink);
        stream->write("PING\r\n");
    });
    EXPECT_EQ(sink.received.get_future().get(), "+PONG\r\n");
    loop.run([&] { stream.reset(); });
    EXPECT_EQ(server.command({"PING"}).text, "PONG");
}

TEST_F(RedisHarnessTest, SentinelsFailOverWhenTheMasterCrashesAndWhenToldTo) {
    RedisSentinels sentinels;
    RedisServer& first = sentinels.master();
    RedisServer& second = sentinels.replica();
    EXPECT_NE(&first, &second);
    sentinels.fail_over_by_crash();
    EXPECT_EQ(&sentinels.master(), &second);
    EXPECT_EQ(second.command({"SET", "key", "value"}).text, "OK");
    first.start();
    sentinels.wait_until_ready();
    sentinels.fail_over_as_planned();
    EXPECT_EQ(&sentinels.master(), &first) << sentinels.sentinel(0).log();
}

TEST_F(RedisHarnessTest, AClusterMovesASlotBetweenItsNodes) {
    RedisCluster cluster;
    const int slot = cluster.slot_of("{room}");
    const std::size_t from = cluster.owner(slot);
    const std::size_t to = (from + 1) % RedisCluster::kNodes;
    for (int key = 0; key < 250; ++key)
        cluster.node(from).command({"SET", "{room}" + std::to_string(key), "value"});
    cluster.begin_move(slot, to);
    EXPECT_THAT(cluster.node(from).command({"GET", "{room}none"}).text, StartsWith("ASK"));
    cluster.move_keys(slot, to);
    cluster.finish_move(slot, to);
    EXPECT_THAT(cluster.node(from).command({"GET", "{room}1"}).text, StartsWith("MOVED"));
    EXPECT_EQ(cluster.node(to).command({"GET", "{room}1"}).text, "value");
    EXPECT_EQ(cluster.owner(slot), to);
    cluster.move_slot(slot, from);
    EXPECT_EQ(cluster.node(from).command({"GET", "{room}249"}).text, "value");
}

TEST_F(RedisHarnessTest, AClusterHealsWhenACrashedNodeIsStartedAgain) {
    RedisCluster cluster;
    cluster.node(2).crash();
    EXPECT_TRUE(eventually_answered([&] {
        return cluster.node(0).info({"CLUSTER", "INFO"}, "cluster_state") == "fail";
    }));
    cluster.node(2).start();
    cluster.wait_until_ready();
}

}  // namespace
}  // namespace roomcast::test

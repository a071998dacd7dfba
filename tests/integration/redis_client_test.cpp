// SPDX-License-Identifier: Apache-2.0
// The Redis client against one real server, and all that can befall that.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/backoff.hpp"
#include "tests/integration/redis_client_driver.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace roomcast::test {
namespace {

using namespace std::chrono_literals;
using redis::Fault;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const redis::Script kCount("return redis.call('INCRBY', KEYS[1], ARGV[1])");
const redis::Script kAppend("return redis.call('RPUSH', KEYS[1], ARGV[1])");

redis::ClientOptions options_for(std::uint16_t port) {
    redis::ClientOptions options;
    options.address.endpoints = {{"127.0.0.1", port}};
    options.name = "roomcast-test";
    options.scripts = {&kCount, &kAppend};
    return options;
}

class RedisClientTest : public testing::Test {
protected:
    void SetUp() override { ROOMCAST_SKIP_WITHOUT_REDIS(); }
};

// ---- What it does ----

TEST_F(RedisClientTest, CallsScriptsTransactionsAndMessages) {
    const RedisServer server;
    RedisClientDriver driver(options_for(server.port()));
    ASSERT_TRUE(driver.connects());
    EXPECT_EQ(driver.call({"SET", "key", "value"})->text, "OK");
    EXPECT_EQ(driver.call({"GET", "key"})->text, "value");
    EXPECT_THAT(error_of(driver.call({"LPUSH", "key", "1"})), StartsWith("WRONGTYPE"));
    EXPECT_EQ(driver.eval(kCount, {"n"}, {"5"})->integer, 5);

    ASSERT_TRUE(driver.subscribes("lobby"));
    EXPECT_EQ(driver.publish("lobby", "hello")->integer, 1);
    EXPECT_TRUE(eventually([&] { return driver.sink().messages("lobby").size() == 1; }));
    EXPECT_THAT(driver.sink().messages("lobby"), ElementsAre("hello"));
    EXPECT_THAT(driver.sink().confirmations("lobby"), ElementsAre(false));
    EXPECT_EQ(driver.sink().last_detail(), "127.0.0.1:" + std::to_string(server.port()));
}

TEST_F(RedisClientTest, ATransactionGivesAllResultsOrOneError) {
    const RedisServer server;
    RedisClientDriver driver(options_for(server.port()));
    ASSERT_TRUE(driver.connects());
    const auto transact = [&](const std::vector<resp::Command>& commands) {
        return driver.wait_for([&](redis::Client& client, redis::ReplyCallback done) {
            client.transaction("key", commands, std::move(done));
        });
    };
    const auto good = transact({{"INCR", "n"}, {"GET", "n"}});
    ASSERT_TRUE(good);
    ASSERT_EQ(good->items.size(), 2U);
    EXPECT_EQ(good->items[1].text, "1");
    EXPECT_THAT(error_of(transact({{"INCR", "n"}, {"LPUSH", "n", "1"}})), StartsWith("WRONGTYPE"));
    EXPECT_THAT(error_of(transact({{"INCR"}, {"GET", "n"}})), HasSubstr("wrong number"));
    EXPECT_EQ(driver.call({"GET", "n"})->text, "2");
}

TEST_F(RedisClientTest, SubscribesToManyChannelsAtOnceAndAgainAfterARestart) {
    RedisServer server;
    RedisClientDriver driver(options_for(server.port()));
    const int count = 20'000;
    driver.run([&](redis::Client& client) {
        for (int i = 0; i < count; ++i)
            client.subscribe("c" + std::to_string(i), "");
    });
    const auto are_confirmed = [&](std::size_t times) {
        return eventually([&] {
            for (const int i : {0, count / 2, count - 1}) {
                if (driver.sink().confirmations("c" + std::to_string(i)).size() < times) {
                    return false;
                }
            }
            const auto subscribed = server.info({"INFO", "stats"}, "pubsub_channels");
            return subscribed.empty() || subscribed == std::to_string(count + 1);
        });
    };
    ASSERT_TRUE(are_confirmed(1));
    server.restart_empty();
    ASSERT_TRUE(are_confirmed(2));
    EXPECT_THAT(driver.sink().confirmations("c7"), ElementsAre(false, true));
}

// ---- Access ----

TEST_F(RedisClientTest, GivesPasswordUserAndDatabase) {
    const RedisServer server(RedisOptions{.user = "app", .password = "secret"});
    redis::ClientOptions options = options_for(server.port());
    options.address.user = "app";
    options.address.password = "secret";
    options.address.database = 3;
    RedisClientDriver driver(options);
    ASSERT_TRUE(driver.connects());
    EXPECT_EQ(driver.call({"ACL", "WHOAMI"})->text, "app");
    EXPECT_THAT(driver.call({"CLIENT", "INFO"})->text, HasSubstr("db=3 "));
    EXPECT_THAT(driver.call({"CLIENT", "INFO"})->text, HasSubstr("name=roomcast-test "));
}

TEST_F(RedisClientTest, SaysThatThePasswordIsWrongOrMissing) {
    const RedisServer server(RedisOptions{.password = "secret"});
    redis::ClientOptions options = options_for(server.port());
    RedisClientDriver without(options);
    EXPECT_TRUE(eventually([&] { return !without.sink().states().empty(); }));
    EXPECT_THAT(without.sink().last_detail(), HasSubstr("NOAUTH the server wants a password"));
    options.address.password = "wrong";
    RedisClientDriver wrong(options);
    EXPECT_TRUE(eventually([&] { return !wrong.sink().states().empty(); }));
    EXPECT_THAT(wrong.sink().last_detail(), StartsWith("WRONGPASS"));
    EXPECT_EQ(wrong.call({"PING"}).error().fault, Fault::not_sent);
}

TEST_F(RedisClientTest, ConnectsOverTlsAndOnlyToACertificateItTrusts) {
    const RedisServer server(RedisOptions{.is_tls = true});
    redis::ClientOptions options = options_for(server.port());
    options.address.is_tls = true;
    options.tls = net::load_tls_trust(server.ca_file());
    RedisClientDriver driver(options);
    ASSERT_TRUE(driver.connects());
    ASSERT_TRUE(driver.subscribes("lobby"));
    EXPECT_EQ(driver.publish("lobby", std::string(300'000, 'x'))->integer, 1);
    EXPECT_TRUE(eventually([&] { return driver.sink().messages("lobby").size() == 1; }));

    options.tls = net::load_tls_trust("");
    RedisClientDriver other(options);
    EXPECT_TRUE(eventually([&] { return !other.sink().states().empty(); }));
    EXPECT_THAT(other.sink().last_detail(), HasSubstr("certificate"));
}

TEST_F(RedisClientTest, AChannelThatTheUserMayNotReadIsRefusedAndTheOthersAreNot) {
    const RedisServer server;
    (void)server.command(
        {"ACL", "SETUSER", "app", "on", ">p", "~*", "+@all", "&rc.probe.*", "&a.*"});
    redis::ClientOptions options = options_for(server.port());
    options.address.user = "app";
    options.address.password = "p";
    RedisClientDriver driver(options);
    driver.run([](redis::Client& client) {
        for (const char* channel : {"a.1", "b.1", "a.2"})
            client.subscribe(channel, channel);
    });
    EXPECT_TRUE(eventually([&] { return !driver.sink().refusal("b.1").empty(); }));
    EXPECT_THAT(driver.sink().refusal("b.1"), StartsWith("NOPERM"));
    EXPECT_TRUE(eventually([&] {
        return !driver.sink().confirmations("a.1").empty() &&
               !driver.sink().confirmations("a.2").empty();
    }));
    // The right is given: no more than a try later it is there.
    (void)server.command({"ACL", "SETUSER", "app", "&b.*"});
    EXPECT_TRUE(eventually([&] { return !driver.sink().confirmations("b.1").empty(); }));
}

TEST_F(RedisClientTest, TellsWhatIsWrongWithTheServer) {
    const RedisServer server;
    redis::ClientOptions options = options_for(server.port());
    options.address.mode = redis::Mode::sentinel;
    options.address.master_name = "primary";
    RedisClientDriver as_sentinel(options);
    EXPECT_TRUE(eventually([&] { return !as_sentinel.sink().states().empty(); }));
    EXPECT_THAT(as_sentinel.sink().last_detail(), HasSubstr("is not a sentinel"));

    const RedisServer replica(
        RedisOptions{.arguments = {"--replicaof", "127.0.0.1", std::to_string(server.port())}});
    RedisClientDriver at_replica(options_for(replica.port()));
    EXPECT_TRUE(eventually([&] { return !at_replica.sink().states().empty(); }));
    EXPECT_THAT(at_replica.sink().last_detail(), HasSubstr("is a replica"));
}

// ---- Mishaps ----

TEST_F(RedisClientTest, StartsBeforeTheServerAndComesBackAfterARestart) {
    RedisServer server;
    server.crash();
    RedisClientDriver driver(options_for(server.port()));
    driver.subscribe("lobby");
    EXPECT_TRUE(eventually([&] { return !driver.sink().states().empty(); }));
    EXPECT_EQ(driver.call({"PING"}).error().fault, Fault::not_sent);
    std::vector<std::int64_t> recovery_ms;
    for (std::size_t round = 1; round <= 3; ++round) {
        // A while, as a restart takes: the longer it is away the slower it is looked for.
        std::this_thread::sleep_for(3s);
        server.start();
        const auto up = std::chrono::steady_clock::now();
        ASSERT_TRUE(
            eventually([&] { return driver.sink().confirmations("lobby").size() >= round; }));
        const auto took = std::chrono::steady_clock::now() - up;
        recovery_ms.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
        EXPECT_EQ(driver.publish("lobby", "x")->integer, 1);
        // Up for so long that the next loss is one by itself.
        std::this_thread::sleep_for(net::Backoff::kStable);
        if (round < 3) server.crash();
    }
    std::cout << "restart after 3 s: subscribed again after ";
    for (const std::int64_t time : recovery_ms)
        std::cout << time << " ms ";
    std::cout << "\n";
    EXPECT_THAT(driver.sink().confirmations("lobby"), ElementsAre(false, true, true));
    EXPECT_EQ(driver.figures().connections_lost, 2U);
}

TEST_F(RedisClientTest, EveryCallIsAnsweredOnceWhenItIsCutOff) {
    RedisServer server;
    RedisClientDriver driver(options_for(server.port()));
    ASSERT_TRUE(driver.connects());
    ASSERT_TRUE(driver.subscribes("lobby"));
    NumberedPublisher publisher(driver, "lobby");
    for (int round = 0; round < 5; ++round) {
        publisher.send(100);
        ASSERT_TRUE(publisher.waits_for_answers());
        for (int i = 0; i < 20; ++i)
            publisher.send(100);
        (void)server.command({"CLIENT", "KILL", "TYPE", "pubsub"});
        publisher.send(100);
        ASSERT_TRUE(publisher.waits_for_answers());
        ASSERT_TRUE(driver.connects());
    }
    EXPECT_GE(driver.figures().connections_lost, 5U);
    // What was accepted had been delivered to whoever was subscribed then; nothing comes twice.
    std::vector<std::string> received = driver.sink().messages("lobby");
    std::erase(received, RecordingClientSink::kGap);
    const std::size_t all = received.size();
    std::ranges::sort(received);
    received.erase(std::unique(received.begin(), received.end()), received.end());
    EXPECT_EQ(received.size(), all);
    EXPECT_FALSE(publisher.accepted().empty());
}

TEST_F(RedisClientTest, ForgottenScriptsRunAllTheSameAndInOrder) {
    const RedisServer server;
    RedisClientDriver driver(options_for(server.port()));
    ASSERT_TRUE(driver.connects());
    std::atomic<int> answered{0};
    std::atomic<int> failed{0};
    const int rounds = 40;
    const int each = 50;
    for (int round = 0; round < rounds; ++round) {
        driver.post([&, round](redis::Client& client) {
            for (int i = 0; i < each; ++i) {
                const std::vector<std::string> keys = {"list"};
                const std::vector<std::string> arguments = {std::to_string(round * each + i)};
                client.eval(kAppend, keys, arguments, [&](const redis::Reply& reply) {
                    if (!reply) failed.fetch_add(1);
                    answered.fetch_add(1);
                });
            }
        });
        (void)server.command({"SCRIPT", "FLUSH"});
    }
    ASSERT_TRUE(eventually([&] { return answered.load() == rounds * each; }));
    EXPECT_EQ(failed.load(), 0);
    const auto list = driver.call({"LRANGE", "list", "0", "-1"});
    ASSERT_EQ(list->items.size(), static_cast<std::size_t>(rounds * each));
    for (int i = 0; i < rounds * each; ++i)
        ASSERT_EQ(list->items[static_cast<std::size_t>(i)].text, std::to_string(i));
}

TEST_F(RedisClientTest, AShortPauseOnlyDelaysAndALongOneEndsTheConnection) {
    const RedisServer server;
    RedisClientDriver driver(options_for(server.port()));
    ASSERT_TRUE(driver.connects());
    (void)server.command({"CLIENT", "PAUSE", "500"});
    EXPECT_EQ(driver.call({"SET", "key", "value"})->text, "OK");
    EXPECT_EQ(driver.figures().connections_lost, 0U);

    auto sleeper = std::async(std::launch::async, [&] {
        return server.command({"DEBUG", "SLEEP", "4"}).text;
    });
    redis::Reply answer = driver.call({"GET", "key"});
    EXPECT_TRUE(eventually([&] {
        if (answer) answer = driver.call({"GET", "key"});
        return !answer;
    }));
    EXPECT_EQ(answer.error().fault, Fault::interrupted);
    EXPECT_THAT(answer.error().text, HasSubstr("within 2000 ms"));
    EXPECT_EQ(sleeper.get(), "OK");
    ASSERT_TRUE(driver.connects());
    // The late answers of the old connection are nobody's.
    EXPECT_EQ(driver.call({"GET", "key"})->text, "value");
}

TEST_F(RedisClientTest, ABlackHoleIsFoundByTheProbeAndTheWayOutOfItIsTaken) {
    const RedisServer server;
    TcpProxy proxy(server.port());
    redis::ClientOptions options = options_for(proxy.port());
    options.probe_interval = 300ms;
    options.call_deadline = 500ms;
    RedisClientDriver driver(options);
    ASSERT_TRUE(driver.subscribes("lobby"));
    proxy.black_hole(true);
    ASSERT_TRUE(eventually([&] { return driver.figures().probes_missed == 1; }));
    ASSERT_TRUE(eventually([&] { return !driver.is_connected(); }));
    proxy.black_hole(false);
    ASSERT_TRUE(eventually([&] { return driver.sink().confirmations("lobby").size() == 2; }));
    EXPECT_EQ(driver.publish("lobby", "x")->integer, 1);
}

TEST_F(RedisClientTest, ADelayedNetworkCostsNoConnection) {
    const RedisServer server;
    TcpProxy proxy(server.port());
    RedisClientDriver driver(options_for(proxy.port()));
    ASSERT_TRUE(driver.subscribes("lobby"));
    proxy.delay(250ms);
    NumberedPublisher publisher(driver, "lobby");
    publisher.send(1'000);
    ASSERT_TRUE(publisher.waits_for_answers());
    EXPECT_EQ(publisher.accepted().size(), 1'000U);
    EXPECT_EQ(driver.figures().connections_lost, 0U);
}

TEST_F(RedisClientTest, ASubscriberThatRedisCutsOffForItsBacklogIsTold) {
    const RedisServer server(
        RedisOptions{.arguments = {"--client-output-buffer-limit", "pubsub 1mb 0 0"}});
    TcpProxy proxy(server.port());
    RedisClientDriver driver(options_for(proxy.port()));
    ASSERT_TRUE(driver.subscribes("lobby"));
    // Held back in the proxy, then in the system's buffers, then in Redis.
    proxy.delay(1500ms);
    const std::string big(1'000'000, 'x');
    ASSERT_TRUE(eventually([&] {
        (void)server.command({"PUBLISH", "lobby", big});
        return driver.figures().connections_lost == 1 ||
               driver.sink().confirmations("lobby").size() > 1;
    }));
    proxy.delay(0ms);
    ASSERT_TRUE(eventually([&] { return driver.sink().confirmations("lobby").size() > 1; }));
    EXPECT_TRUE(driver.sink().confirmations("lobby")[1]);
}

TEST_F(RedisClientTest, RefusesCallsBeyondItsLimitAndGoesOn) {
    const RedisServer server;
    redis::ClientOptions options = options_for(server.port());
    options.pending_calls = 100;
    RedisClientDriver driver(options);
    ASSERT_TRUE(driver.connects());
    NumberedPublisher publisher(driver, "lobby");
    publisher.send(250);
    ASSERT_TRUE(publisher.waits_for_answers());
    EXPECT_EQ(publisher.accepted().size(), 100U);
    EXPECT_THAT(publisher.failures().front(), HasSubstr("too many calls"));
    publisher.send(50);
    ASSERT_TRUE(publisher.waits_for_answers());
    EXPECT_EQ(publisher.accepted().size(), 150U);
}

TEST_F(RedisClientTest, ErrorsOfAFullServerAreRefusalsWithItsText) {
    const RedisServer server(RedisOptions{.arguments = {"--maxmemory", "1"}});
    RedisClientDriver driver(options_for(server.port()));
    ASSERT_TRUE(driver.connects());
    const auto answer = driver.call({"SET", "key", "value"});
    EXPECT_EQ(answer.error().fault, Fault::refused);
    EXPECT_THAT(answer.error().text, StartsWith("OOM "));
    EXPECT_EQ(driver.figures().calls_failed, 1U);
}

TEST_F(RedisClientTest, AServerThatBecomesAReplicaIsLeft) {
    const RedisServer other;
    const RedisServer server;
    RedisClientDriver driver(options_for(server.port()));
    ASSERT_TRUE(driver.connects());
    (void)server.command({"REPLICAOF", "127.0.0.1", std::to_string(other.port())});
    (void)driver.call({"SET", "key", "value"});  // READONLY, or not connected any more
    EXPECT_TRUE(eventually([&] { return !driver.is_connected(); }));
    EXPECT_TRUE(eventually(
        [&] { return driver.sink().last_detail().find("is a replica") != std::string::npos; }));
    (void)server.command({"REPLICAOF", "NO", "ONE"});
    EXPECT_TRUE(driver.connects());
}

}  // namespace
}  // namespace roomcast::test

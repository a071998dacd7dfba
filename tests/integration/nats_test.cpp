// SPDX-License-Identifier: Apache-2.0
// The broker on NATS with a real server, and what can happen to that.
#include "brokers/nats.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/event_loop.hpp"
#include "tests/support/broker_node.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace roomcast::test {
namespace {

using std::chrono::steady_clock;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

NatsBrokerOptions at_port(std::uint16_t port) {
    NatsBrokerOptions options;
    options.servers = {{.endpoint = {"127.0.0.1", port}}};
    return options;
}

ChannelName named(const std::string& name) {
    return *ChannelName::make(name);
}

class NatsTest : public testing::Test {
protected:
    void SetUp() override { ROOMCAST_SKIP_WITHOUT_NATS(); }

    [[nodiscard]] static BrokerNode::Make with(const NatsBrokerOptions& options) {
        return
            [options](net::EventLoop& loop) { return std::make_unique<NatsBroker>(options, loop); };
    }

    /// What a node that has subscribed to a_ hears of its own message.
    void expect_echo(BrokerNode& node, const std::string& event) {
        ASSERT_TRUE(node.publishes(a_, event));
        EXPECT_TRUE(eventually([&] {
            const auto heard = node.heard().all();
            return !heard.empty() && heard.back() == event;
        }));
    }

    [[nodiscard]] static bool is_lost(BrokerNode& node) {
        return eventually([&] { return !node.is_connected(); });
    }

    static std::chrono::milliseconds since(steady_clock::time_point begin) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin);
    }

    const ChannelName a_ = named("a");
    const ChannelName b_ = named("b");
};

TEST_F(NatsTest, ARestartOfTheServerIsToldAsOneGapForEachChannel) {
    NatsServer server;
    BrokerNode it(with(at_port(server.port())));
    ASSERT_TRUE(it.subscribes(a_));
    ASSERT_TRUE(it.subscribes(b_));
    expect_echo(it, "before");
    server.crash();
    ASSERT_TRUE(is_lost(it));
    EXPECT_EQ(it.publishes(a_, "lost").error(), Errc::unavailable);
    it.ask_for(named("new"));
    server.start();
    ASSERT_TRUE(it.confirmed().wait_for(3));
    expect_echo(it, "after");
    EXPECT_THAT(it.heard().all(),
                testing::UnorderedElementsAre("before", "gap of a", "gap of b", "after"));
    EXPECT_EQ(it.heard().all().back(), "after");
    EXPECT_EQ(it.figure("roomcast_broker_gaps_total"), 2);
    EXPECT_EQ(it.figure("roomcast_broker_connections_lost_total"), 1);
    const auto server_text = HasSubstr("nats://127.0.0.1:" + std::to_string(server.port()));
    EXPECT_THAT(it.states(), testing::Each(testing::Pair(testing::_, server_text)));
    EXPECT_TRUE(it.states().front().first);
    EXPECT_FALSE(it.states()[1].first);
    EXPECT_TRUE(it.states().back().first);
}

TEST_F(NatsTest, ACutConnectionIsMadeAnew) {
    NatsServer server;
    TcpProxy proxy(server.port());
    BrokerNode it(with(at_port(proxy.port())));
    for (int round = 1; round <= 3; ++round) {
        ASSERT_TRUE(it.subscribes(a_));
        expect_echo(it, "echo");
        proxy.cut();
        ASSERT_TRUE(eventually(
            [&] { return it.figure("roomcast_broker_gaps_total") == round && it.is_connected(); }));
    }
    EXPECT_THAT(it.heard().all(),
                ElementsAre("echo", "gap of a", "echo", "gap of a", "echo", "gap of a"));
}

TEST_F(NatsTest, AFrozenServerIsNoticedWithoutTrafficAndPublishesAreRefusedInTime) {
    NatsServer server;
    BrokerNode idle(with(at_port(server.port())));
    BrokerNode busy(with(at_port(server.port())));
    ASSERT_TRUE(idle.connects());
    ASSERT_TRUE(busy.subscribes(a_));
    expect_echo(busy, "before");
    server.pause();
    const auto start = steady_clock::now();
    EXPECT_EQ(busy.publishes(a_, "lost").error(), Errc::unavailable);
    EXPECT_LT(since(start), 2'500ms);
    // Known to be away by now: refused at once.
    EXPECT_TRUE(is_lost(busy));
    EXPECT_EQ(busy.publishes(a_, "lost too").error(), Errc::unavailable);
    EXPECT_TRUE(is_lost(idle));
    EXPECT_LT(since(start), 8s);
    EXPECT_THAT(idle.last_detail(), HasSubstr("no answer in time"));
    server.resume();
    ASSERT_TRUE(busy.connects());
    expect_echo(busy, "after");
    EXPECT_THAT(busy.heard().all(), Contains("gap of a"));
}

TEST_F(NatsTest, AFrozenServerIsNoticedEvenWhenItsSocketIsFull) {
    NatsServer server;
    BrokerNode it(with(at_port(server.port())));
    ASSERT_TRUE(it.connects());
    server.pause();
    const auto start = steady_clock::now();
    const auto answers = std::make_shared<BrokerNode::Answers>();
    const std::string payload = '"' + std::string(500'000, 'x') + '"';
    constexpr std::size_t kMany = 40;
    for (std::size_t i = 0; i < kMany; ++i)
        it.publish(a_, "e", answers, payload);
    ASSERT_TRUE(answers->wait_for(kMany));
    EXPECT_LT(since(start), 3s);
    for (const BrokerNode::Answer& answer : answers->all())
        EXPECT_EQ(answer.error(), Errc::unavailable);
    server.resume();
    EXPECT_TRUE(it.connects());
}

TEST_F(NatsTest, AServerThatIsDownAtTheStartIsWaitedFor) {
    const std::uint16_t port = free_port();
    BrokerNode it(with(at_port(port)));
    it.ask_for(a_);
    EXPECT_THAT(it.last_detail(), HasSubstr("nats://127.0.0.1:"));
    EXPECT_EQ(it.publishes(a_, "too early").error(), Errc::unavailable);
    NatsServer server({.port = port});
    ASSERT_TRUE(it.confirmed().wait_for(1));
    expect_echo(it, "first");
    EXPECT_THAT(it.heard().all(), ElementsAre("first"));  // nothing was missed
}

TEST_F(NatsTest, TheNextServerIsTakenWhenOneIsDead) {
    NatsServer server;
    NatsBrokerOptions options = at_port(free_port());
    options.servers.push_back({.endpoint = {"127.0.0.1", server.port()}});
    BrokerNode it(with(options));
    ASSERT_TRUE(it.subscribes(a_));
    expect_echo(it, "echo");
    EXPECT_THAT(
        it.states(),
        ElementsAre(testing::Pair(true, "nats://127.0.0.1:" + std::to_string(server.port()))));
}

TEST_F(NatsTest, LogsInWithUserAndPasswordWhateverTheirCharacters) {
    NatsServer server({.config = R"(authorization { user: "us\"er", password: "pa\\ss\"w { }" })"});
    NatsBrokerOptions options = at_port(server.port());
    options.servers[0].login = {.user = "us\"er", .password = R"(pa\ss"w { })"};
    BrokerNode it(with(options));
    ASSERT_TRUE(it.subscribes(a_));
    expect_echo(it, "echo");
}

TEST_F(NatsTest, LogsInWithAToken) {
    NatsServer server({.config = "authorization { token: \"a-token\" }"});
    NatsBrokerOptions options = at_port(server.port());
    options.servers[0].login = {.token = "a-token"};
    BrokerNode it(with(options));
    ASSERT_TRUE(it.subscribes(a_));
    expect_echo(it, "echo");
}

TEST_F(NatsTest, AWrongPasswordIsSaidAndTriedAgainSlowly) {
    NatsServer server({.config = "authorization { user: app, password: secret }"});
    NatsBrokerOptions options = at_port(server.port());
    options.servers[0].login = {.user = "app", .password = "hunter2"};
    BrokerNode it(with(options));
    EXPECT_THAT(it.last_detail(), testing::AllOf(HasSubstr("uthoriz"), Not(HasSubstr("hunter2"))));
    EXPECT_EQ(it.publishes(a_, "e").error(), Errc::unavailable);
    // Backoff::kConfiguration, and at least half of it.
    EXPECT_FALSE(eventually([&] { return it.states().size() > 1; }, 1s));
    EXPECT_EQ(it.states().size(), 1);
}

TEST_F(NatsTest, MissingRightsKeepItUnconnected) {
    NatsServer server({.config = R"(authorization { users: [
        { user: app, password: secret, permissions: { publish: "other.>", subscribe: ">" } } ] })"});
    NatsBrokerOptions options = at_port(server.port());
    options.servers[0].login = {.user = "app", .password = "secret"};
    BrokerNode it(with(options));
    EXPECT_THAT(it.last_detail(),
                testing::AllOf(HasSubstr("ermissions"), HasSubstr("roomcast.rc.probe")));
}

constexpr const char* kSomeChannelsAreRefused = R"(authorization { users: [
    { user: app, password: secret, permissions: {
        publish: { allow: ">", deny: "roomcast.mute" },
        subscribe: { allow: ">", deny: "roomcast.deaf" } } } ] })";
constexpr const char* kNothingIsRefused =
    "authorization { users: [ { user: app, password: secret } ] }";

TEST_F(NatsTest, AChannelThatTheServerRefusesIsNotConfirmedAndHealsWithTheRight) {
    NatsServer server({.config = kSomeChannelsAreRefused});
    NatsBrokerOptions options = at_port(server.port());
    options.servers[0].login = {.user = "app", .password = "secret"};
    options.retry_refused = 200ms;
    options.ping_interval = 100ms;
    BrokerNode it(with(options));
    const ChannelName mute = named("mute");
    ASSERT_TRUE(it.subscribes(a_));
    EXPECT_EQ(it.publishes(mute, "e").error(), Errc::unavailable);
    it.ask_for(named("deaf"));
    // It goes on asking.
    ASSERT_TRUE(eventually([&] { return it.figure("roomcast_broker_calls_failed_total") > 5; }));
    EXPECT_EQ(it.confirmed().all().size(), 1);
    expect_echo(it, "others go on");
    server.reload(kNothingIsRefused);
    ASSERT_TRUE(it.confirmed().wait_for(2));
    ASSERT_TRUE(eventually([&] { return it.publishes(mute, "e").has_value(); }));
    ASSERT_TRUE(it.publishes(named("deaf"), "heard"));
    EXPECT_TRUE(eventually([&] { return it.heard().all().back() == "heard"; }));
}

TEST_F(NatsTest, TlsChecksTheServersNameAndWhoHasSignedIt) {
    NatsServer server({.certificate_names = "DNS:localhost"});
    NatsServer other({.certificate_names = "DNS:localhost,IP:127.0.0.1"});
    NatsBrokerOptions good;
    good.servers = {{.endpoint = {"localhost", server.port()}, .is_tls = true}};
    good.ca_file = server.ca_file();
    BrokerNode it(with(good));
    ASSERT_TRUE(it.subscribes(a_));
    expect_echo(it, "echo");

    NatsBrokerOptions by_address;
    by_address.servers = {{.endpoint = {"127.0.0.1", other.port()}, .is_tls = true}};
    by_address.ca_file = other.ca_file();
    EXPECT_TRUE(BrokerNode(with(by_address)).connects());

    NatsBrokerOptions wrong_name = good;
    wrong_name.servers[0].endpoint.host = "127.0.0.1";
    BrokerNode misnamed(with(wrong_name));
    EXPECT_THAT(misnamed.last_detail(), testing::AllOf(HasSubstr("tls://"), HasSubstr("SSL")));

    NatsBrokerOptions wrong_ca = good;
    wrong_ca.ca_file = other.ca_file();
    BrokerNode untrusting(with(wrong_ca));
    EXPECT_THAT(untrusting.last_detail(), testing::AllOf(HasSubstr("tls://"), HasSubstr("SSL")));

    NatsBrokerOptions insisted_on = wrong_name;  // the server switches TLS on, and is checked alike
    insisted_on.servers[0].is_tls = false;
    BrokerNode switched(with(insisted_on));
    EXPECT_THAT(switched.last_detail(), HasSubstr("nats://"));
}

TEST_F(NatsTest, TheNameOfEachServerIsChecked) {
    NatsServer server({.certificate_names = "DNS:localhost"});
    NatsBrokerOptions options;
    options.servers = {{.endpoint = {"127.0.0.1", server.port()}, .is_tls = true},
                       {.endpoint = {"localhost", server.port()}, .is_tls = true}};
    options.ca_file = server.ca_file();
    BrokerNode it(with(options));
    EXPECT_THAT(it.last_detail(), HasSubstr("tls://localhost:"));
}

TEST_F(NatsTest, StopDoesNotWaitForAHandshakeThatIsHeldUp) {
    NatsServer server({.certificate_names = "DNS:localhost"});
    TcpProxy proxy(server.port());
    proxy.delay(300ms);
    NatsBrokerOptions options;
    options.servers = {{.endpoint = {"localhost", proxy.port()}, .is_tls = true}};
    options.ca_file = server.ca_file();
    auto it = std::make_unique<BrokerNode>(with(options));
    // The greeting has arrived, and the handshake begins.
    ASSERT_TRUE(eventually([&] { return proxy.bytes_to_client() > 0; }));
    proxy.black_hole(true);
    const auto start = steady_clock::now();
    it.reset();
    EXPECT_LT(since(start), 6s);
}

TEST_F(NatsTest, WhatIsTooLargeForTheServerIsRefusedAndTheConnectionLives) {
    NatsServer server({.config = "max_payload: 2000"});
    BrokerNode it(with(at_port(server.port())));
    ASSERT_TRUE(it.subscribes(a_));
    EXPECT_EQ(it.publishes(a_, "e", '"' + std::string(3'000, 'x') + '"').error(), Errc::limit);
    expect_echo(it, "small");
    EXPECT_EQ(it.figure("roomcast_broker_connections_lost_total"), 0);
}

TEST_F(NatsTest, TheLongestNameOfEscapedBytesIsCarried) {
    NatsServer server;
    BrokerNode it(with(at_port(server.port())));
    const ChannelName name = named(std::string(256, '*'));
    ASSERT_TRUE(it.subscribes(name));
    ASSERT_TRUE(it.publishes(name, "heard"));
    ASSERT_TRUE(it.heard().wait_for(1));
    EXPECT_THAT(it.heard().all(), ElementsAre("heard"));
}

TEST_F(NatsTest, WhatTheLibraryDropsIsAGap) {
    NatsServer server;
    BrokerNode publisher(with(at_port(server.port())));
    ASSERT_TRUE(publisher.connects());
    NatsBrokerOptions options = at_port(server.port());
    options.pending_messages = 1;
    BrokerNode slow(with(options));
    ASSERT_TRUE(slow.subscribes(a_));
    constexpr std::size_t kMany = 5'000;
    const auto answers = std::make_shared<BrokerNode::Answers>();
    for (std::size_t i = 0; i < kMany; ++i)
        publisher.publish(a_, "e", answers);
    ASSERT_TRUE(answers->wait_for(kMany));
    ASSERT_TRUE(eventually([&] {
        const auto dropped =
            static_cast<std::size_t>(slow.figure("roomcast_broker_client_dropped_total"));
        const auto told = slow.heard().all();
        const auto heard = static_cast<std::size_t>(std::ranges::count(told, "e"));
        return dropped > 0 && heard + dropped == kMany;
    }));
    EXPECT_TRUE(eventually([&] { return std::ranges::count(slow.heard().all(), "gap of a") > 0; }));
}

/// Threads of this process.
std::size_t thread_count() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_F(NatsTest, ThousandsOfChannelsNeedNoThreadsOfTheirOwn) {
    constexpr std::size_t kChannels = 5'000;
    NatsServer server;
    TcpProxy proxy(server.port());
    BrokerNode it(with(at_port(proxy.port())));
    ASSERT_TRUE(it.subscribes(named("0")));
    const std::size_t before = thread_count();
    for (std::size_t i = 1; i < kChannels; ++i)
        it.ask_for(named(std::to_string(i)));
    ASSERT_TRUE(it.confirmed().wait_for(kChannels));
    EXPECT_LE(thread_count(), before + 2);
    // All of them come back, and each is told.
    proxy.cut();
    ASSERT_TRUE(it.heard().wait_for(kChannels));
    const auto answers = std::make_shared<BrokerNode::Answers>();
    for (std::size_t i = 0; i < kChannels; ++i)
        it.publish(named(std::to_string(i)), "e", answers);
    ASSERT_TRUE(answers->wait_for(kChannels));
    ASSERT_TRUE(it.heard().wait_for(2 * kChannels));
    EXPECT_EQ(std::ranges::count(it.heard().all(), "e"), kChannels);
    EXPECT_LE(thread_count(), before + 2);
}

}  // namespace
}  // namespace roomcast::test

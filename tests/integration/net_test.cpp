// SPDX-License-Identifier: Apache-2.0
// The bus thread's loop and its streams against real sockets: plain TCP.
#include <gmock/gmock.h>

#include "tests/integration/net_fixture.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace roomcast::net {
namespace {

using namespace std::chrono_literals;
using test::EchoPeer;
using test::TcpProxy;
using testing::StartsWith;

TEST_F(NetTest, EchoesOverTcp) {
    EchoPeer peer;
    Conversation conversation(loop_);
    conversation.open(plain(peer.port()));
    ASSERT_TRUE(conversation.wait_for_open());
    conversation.write("hello");
    EXPECT_TRUE(conversation.wait_for_bytes(5));
    EXPECT_EQ(conversation.received(), "hello");
    EXPECT_THAT(conversation.endings(), testing::IsEmpty());
}

TEST_F(NetTest, ReachesAnIpv6Address) {
    std::unique_ptr<EchoPeer> peer;
    try {
        peer = std::make_unique<EchoPeer>(EchoPeer::Options{.is_ipv6 = true});
    } catch (const std::runtime_error&) {
        GTEST_SKIP() << "this machine has no IPv6";
    }
    Conversation conversation(loop_);
    conversation.open({.endpoint = {"::1", peer->port()}, .connect_deadline = 30s});
    ASSERT_TRUE(conversation.wait_for_open());
    conversation.write("hello");
    EXPECT_TRUE(conversation.wait_for_bytes(5));
}

TEST_F(NetTest, ReachesAHostByName) {
    EchoPeer peer;
    Conversation conversation(loop_);
    conversation.open({.endpoint = {"localhost", peer.port()}, .connect_deadline = 30s});
    EXPECT_TRUE(conversation.wait_for_open());
}

TEST_F(NetTest, SendsWhatWasWrittenBeforeItWasOpen) {
    EchoPeer peer;
    Conversation conversation(loop_);
    loop_.run([&] {
        conversation.stream_ = loop_.connect(plain(peer.port()), conversation);
        conversation.stream_->write("early ");
        conversation.stream_->write("bird");
        EXPECT_EQ(conversation.stream_->unsent_bytes(), 10U);
    });
    EXPECT_TRUE(conversation.wait_for_bytes(10));
    EXPECT_EQ(conversation.received(), "early bird");
    loop_.run([&] { EXPECT_EQ(conversation.stream_->unsent_bytes(), 0U); });
}

TEST_F(NetTest, SendsTheWritesOfATurnTogetherAndInOrder) {
    EchoPeer peer;
    Conversation conversation(loop_);
    conversation.open(plain(peer.port()));
    ASSERT_TRUE(conversation.wait_for_open());
    const std::string all = pattern(100'000);
    loop_.run([&] {
        for (std::size_t at = 0; at < all.size(); at += 10)
            conversation.stream_->write(std::string_view(all).substr(at, 10));
        EXPECT_EQ(conversation.stream_->unsent_bytes(), all.size());
    });
    EXPECT_TRUE(conversation.wait_for_bytes(all.size()));
    EXPECT_EQ(conversation.received(), all);
    EXPECT_LT(peer.reads(), 1'000) << "for 10,000 writes";
}

TEST_F(NetTest, TellsTheEndOnceWhenThePeerCloses) {
    EchoPeer peer;
    Conversation conversation(loop_);
    conversation.open(plain(peer.port()));
    conversation.write("hello");
    ASSERT_TRUE(conversation.wait_for_bytes(5));
    peer.close_connections();
    EXPECT_EQ(conversation.wait_for_end(), "the server closed the connection");
    conversation.write("to nobody");
    loop_.run([] {});
    EXPECT_THAT(conversation.endings(), testing::SizeIs(1));
}

TEST_F(NetTest, CarriesFiftyMegabytesBothWays) {
    EchoPeer peer;
    Conversation conversation(loop_);
    conversation.open(plain(peer.port()));
    const std::string all = pattern(50'000'000);
    conversation.write(all);
    EXPECT_TRUE(conversation.wait_for_bytes(all.size()));
    EXPECT_TRUE(conversation.received() == all);
}

// A bad network.

TEST_F(NetTest, TellsTheEndWhenTheConnectionIsCut) {
    EchoPeer peer;
    TcpProxy proxy(peer.port());
    Conversation conversation(loop_);
    conversation.open(plain(proxy.port()));
    conversation.write("hello");
    ASSERT_TRUE(conversation.wait_for_bytes(5));
    EXPECT_EQ(proxy.bytes_to_server(), 5U);
    EXPECT_EQ(proxy.bytes_to_client(), 5U);
    EXPECT_EQ(proxy.connections(), 1U);
    proxy.cut();
    EXPECT_EQ(conversation.wait_for_end(), "connection reset by peer");
    EXPECT_EQ(proxy.connections(), 0U);
    proxy.refuse(true);
    Conversation refused(loop_);
    refused.open(plain(proxy.port()));
    EXPECT_EQ(refused.wait_for_end(), "connection refused");
    proxy.refuse(false);
    Conversation next(loop_);
    next.open(plain(proxy.port()));
    next.write("hello");
    EXPECT_TRUE(next.wait_for_bytes(5));
    EXPECT_EQ(proxy.accepted(), 2U);
}

TEST_F(NetTest, WaitsWhileTheNetworkForwardsNothingAndLosesNothing) {
    EchoPeer peer;
    TcpProxy proxy(peer.port());
    Conversation conversation(loop_);
    conversation.open(plain(proxy.port()));
    ASSERT_TRUE(conversation.wait_for_open());
    proxy.black_hole(true);
    const std::string all = pattern(30'000'000);  // more than the system's buffers hold
    conversation.write(all);
    loop_.run([&] { EXPECT_GT(conversation.stream_->unsent_bytes(), 0U); });
    EXPECT_EQ(proxy.bytes_to_server(), 0U);
    proxy.black_hole(false);
    EXPECT_TRUE(conversation.wait_for_bytes(all.size()));
    EXPECT_TRUE(conversation.received() == all);
}

TEST_F(NetTest, GivesUpATlsHandshakeInWhichTheNetworkForwardsNothing) {
    EchoPeer peer({.identity = &identity_});
    TcpProxy proxy(peer.port());
    proxy.black_hole(true);
    Conversation conversation(loop_);
    StreamOptions options = tls("localhost", proxy.port());
    options.connect_deadline = 200ms;
    conversation.open(options);
    EXPECT_EQ(conversation.wait_for_end(), "no answer within 200 ms");
    EXPECT_EQ(conversation.opened(), 0);
}

TEST_F(NetTest, BearsASlowNetwork) {
    EchoPeer peer({.identity = &identity_});
    TcpProxy proxy(peer.port());
    proxy.delay(20ms);
    Conversation conversation(loop_);
    const auto begun = std::chrono::steady_clock::now();
    conversation.open(tls("localhost", proxy.port()));
    conversation.write("hello");
    EXPECT_TRUE(conversation.wait_for_bytes(5));
    // At least two round trips: a handshake and the echo.
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 80ms);
}

// Failures to connect.

TEST_F(NetTest, SaysThatAPortRefuses) {
    const SilentPort nobody(kRefusing);
    Conversation conversation(loop_);
    conversation.open(plain(nobody.port()));
    EXPECT_EQ(conversation.wait_for_end(), "connection refused");
    EXPECT_EQ(conversation.opened(), 0);
}

TEST_F(NetTest, SaysThatANameCannotBeResolved) {
    Conversation conversation(loop_);
    conversation.open({.endpoint = {"no..name", 1}, .connect_deadline = 30s});
    EXPECT_THAT(conversation.wait_for_end(), StartsWith("the name no..name cannot be resolved: "));
}

TEST_F(NetTest, GivesUpAConnectionThatIsNotAnsweredInTime) {
    const SilentPort full(0);
    // One waits to be accepted; from then on SYNs are dropped.
    std::vector<std::unique_ptr<Conversation>> guests;
    for (int i = 0; i < 4; ++i) {
        guests.push_back(std::make_unique<Conversation>(loop_));
        guests.back()->open(plain(full.port()));
    }
    ASSERT_TRUE(guests.front()->wait_for_open());
    Conversation conversation(loop_);
    StreamOptions options = plain(full.port());
    options.connect_deadline = 200ms;
    conversation.open(options);
    EXPECT_EQ(conversation.wait_for_end(), "no answer within 200 ms");
    EXPECT_EQ(conversation.opened(), 0);
}

TEST_F(NetTest, GivesUpATlsHandshakeThatIsNotAnsweredInTime) {
    const SilentPort silent;
    Conversation conversation(loop_);
    StreamOptions options = tls("localhost", silent.port());
    options.connect_deadline = 200ms;
    conversation.open(options);
    EXPECT_EQ(conversation.wait_for_end(), "no answer within 200 ms");
    EXPECT_EQ(conversation.opened(), 0);
}

}  // namespace
}  // namespace roomcast::net

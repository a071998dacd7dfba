// SPDX-License-Identifier: Apache-2.0
// The bus thread's loop and its streams against real sockets.
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "net/event_loop.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/echo_peer.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace roomcast::net {
namespace {

using namespace std::chrono_literals;
using test::EchoPeer;
using test::TcpProxy;
using test::TlsIdentity;
using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kPatience = 60s;

/// A stream and what its sink was told. The hooks run on the loop, within the sink's calls.
class Conversation final : public StreamSink {
public:
    explicit Conversation(EventLoop& loop) : loop_(loop) {}

    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    ~Conversation() override { drop(); }

    void open(StreamOptions options) {
        loop_.run([&] { stream_ = loop_.connect(std::move(options), *this); });
    }

    void drop() {
        loop_.run([&] { stream_.reset(); });
    }

    void write(const std::string& bytes) {
        loop_.run([&] { stream_->write(bytes); });
    }

    void on_open() override {
        record([&] { ++opened_; });
        if (at_open) at_open();
    }

    void on_bytes(std::string_view bytes) override {
        record([&] { received_ += bytes; });
        if (at_bytes) at_bytes();
    }

    void on_end(std::string_view reason) override {
        record([&] { endings_.emplace_back(reason); });
        if (at_end) at_end();
    }

    /// True when it has happened within the test's patience.
    [[nodiscard]] bool wait_for_open() {
        return wait([&] { return opened_ > 0; });
    }

    [[nodiscard]] bool wait_for_bytes(std::size_t size) {
        return wait([&] { return received_.size() >= size || !endings_.empty(); }) &&
               received().size() == size;
    }

    /// The reason, or "none".
    [[nodiscard]] std::string wait_for_end() {
        return wait([&] { return !endings_.empty(); }) ? endings().front() : "none";
    }

    [[nodiscard]] int opened() {
        const std::lock_guard lock(mutex_);
        return opened_;
    }

    [[nodiscard]] std::string received() {
        const std::lock_guard lock(mutex_);
        return received_;
    }

    [[nodiscard]] std::vector<std::string> endings() {
        const std::lock_guard lock(mutex_);
        return endings_;
    }

    std::function<void()> at_open;
    std::function<void()> at_bytes;
    std::function<void()> at_end;
    std::unique_ptr<Stream> stream_;  // for the loop alone

private:
    void record(const std::function<void()>& change) {
        const std::lock_guard lock(mutex_);
        change();
        changed_.notify_all();
    }

    bool wait(const std::function<bool()>& is_so) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, kPatience, is_so);
    }

    EventLoop& loop_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int opened_ = 0;
    std::string received_;
    std::vector<std::string> endings_;
};

/// A port of loopback that nobody serves, so long as it exists: one that completes connections
/// (`backlog` of them at once) and never says a word.
class SilentPort {
public:
    explicit SilentPort(int backlog = 16) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::bind(socket_, any, size) != 0 || ::getsockname(socket_, any, &size) != 0 ||
            (backlog >= 0 && ::listen(socket_, backlog) != 0)) {
            throw std::runtime_error("cannot listen");
        }
        port_ = ntohs(address.sin_port);
    }

    SilentPort(const SilentPort&) = delete;
    SilentPort& operator=(const SilentPort&) = delete;

    ~SilentPort() { ::close(socket_); }

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    int socket_;
    std::uint16_t port_ = 0;
};

/// Bound and not listening: connections are refused, and nobody else takes the port.
constexpr int kRefusing = -1;

/// Numbers in words, so that a lost, doubled or misplaced byte shows.
std::string pattern(std::size_t size) {
    std::string text;
    text.reserve(size + 16);
    for (std::size_t number = 0; text.size() < size; ++number)
        text += std::to_string(number) + ' ';
    text.resize(size);
    return text;
}

class NetTest : public testing::Test {
protected:
    NetTest() {
        ::signal(SIGPIPE, SIG_IGN);  // the test's TLS server may write to a closed connection
        identity_.write_certificate(trusted_);
    }

    [[nodiscard]] StreamOptions plain(std::uint16_t port) const {
        return {.endpoint = {"127.0.0.1", port}, .connect_deadline = 30s};
    }

    [[nodiscard]] StreamOptions tls(const std::string& host, std::uint16_t port) const {
        return {.endpoint = {host, port}, .tls = load_tls_trust(trusted_), .connect_deadline = 30s};
    }

    const test::TempDir dir_;
    const std::string trusted_ = dir_.file("trusted.pem");
    const TlsIdentity identity_{"localhost,IP:127.0.0.1"};
    const TlsIdentity stranger_{"stranger.example"};
    EventLoop loop_{"net-test"};
};

// Plain TCP.

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

// TLS.

TEST_F(NetTest, EchoesOverTlsToANamedHost) {
    EchoPeer peer({.identity = &identity_});
    Conversation conversation(loop_);
    conversation.open(tls("localhost", peer.port()));
    ASSERT_TRUE(conversation.wait_for_open()) << conversation.wait_for_end();
    conversation.write("hello");
    EXPECT_TRUE(conversation.wait_for_bytes(5));
    EXPECT_EQ(conversation.received(), "hello");
    EXPECT_EQ(peer.server_name(), "localhost");
}

TEST_F(NetTest, EchoesOverTlsToAnAddressWithoutNamingIt) {
    EchoPeer peer({.identity = &identity_});
    Conversation conversation(loop_);
    conversation.open(tls("127.0.0.1", peer.port()));
    conversation.write("hello");
    EXPECT_TRUE(conversation.wait_for_bytes(5));
    EXPECT_EQ(peer.server_name(), "");
}

TEST_F(NetTest, CarriesFiftyMegabytesBothWaysOverTls) {
    EchoPeer peer({.identity = &identity_});
    Conversation conversation(loop_);
    conversation.open(tls("localhost", peer.port()));
    const std::string all = pattern(50'000'000);
    conversation.write(all);
    EXPECT_TRUE(conversation.wait_for_bytes(all.size()));
    EXPECT_TRUE(conversation.received() == all);
}

TEST_F(NetTest, RefusesACertificateForAnotherHost) {
    stranger_.write_certificate(trusted_);
    EchoPeer peer({.identity = &stranger_});
    Conversation by_name(loop_);
    by_name.open(tls("localhost", peer.port()));
    EXPECT_EQ(by_name.wait_for_end(), "the certificate is not for localhost");
    Conversation by_address(loop_);
    by_address.open(tls("127.0.0.1", peer.port()));
    EXPECT_EQ(by_address.wait_for_end(), "the certificate is not for 127.0.0.1");
    EXPECT_EQ(by_name.opened() + by_address.opened(), 0);
}

TEST_F(NetTest, RefusesACertificateThatNobodyTrustedHasSigned) {
    const TlsIdentity other("localhost");
    EchoPeer peer({.identity = &other});
    Conversation conversation(loop_);
    conversation.open(tls("localhost", peer.port()));
    EXPECT_THAT(conversation.wait_for_end(), StartsWith("the certificate is not trusted: "));
    EXPECT_EQ(conversation.opened(), 0);
}

TEST_F(NetTest, DoesNotTrustTheSystemsCertificatesBlindly) {
    EchoPeer peer({.identity = &identity_});
    Conversation conversation(loop_);
    StreamOptions options = plain(peer.port());
    options.tls = load_tls_trust("");
    conversation.open(options);
    EXPECT_THAT(conversation.wait_for_end(), StartsWith("the certificate is not trusted: "));
}

TEST_F(NetTest, RefusesTlsBelowVersionOnePointTwo) {
    EchoPeer peer({.identity = &identity_, .max_tls_version = TLS1_1_VERSION});
    Conversation conversation(loop_);
    conversation.open(tls("localhost", peer.port()));
    EXPECT_THAT(conversation.wait_for_end(), StartsWith("no TLS connection: "));
}

TEST_F(NetTest, SaysThatAServerSpeaksNoTls) {
    EchoPeer peer;
    Conversation conversation(loop_);
    conversation.open(tls("localhost", peer.port()));
    EXPECT_THAT(conversation.wait_for_end(), StartsWith("no TLS connection: "));
}

TEST_F(NetTest, AFailedHandshakeDoesNotHarmOtherStreams) {
    EchoPeer good({.identity = &identity_});
    EchoPeer bad({.identity = &stranger_});
    Conversation working(loop_);
    working.open(tls("localhost", good.port()));
    ASSERT_TRUE(working.wait_for_open());
    for (std::size_t round = 1; round <= 5; ++round) {
        Conversation failing(loop_);
        failing.open(tls("localhost", bad.port()));
        EXPECT_THAT(failing.wait_for_end(), HasSubstr("certificate"));
        working.write("x");
        EXPECT_TRUE(working.wait_for_bytes(round));
    }
}

TEST_F(NetTest, SaysWhichCertificatesCannotBeRead) {
    try {
        (void)load_tls_trust("/nowhere/ca.pem");  // throws
        FAIL() << "it was read";
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("/nowhere/ca.pem"));
    }
}

// Destruction.

class NetDestructionTest : public NetTest, public testing::WithParamInterface<bool> {
protected:
    [[nodiscard]] StreamOptions options(const EchoPeer& peer) const {
        return GetParam() ? tls("localhost", peer.port()) : plain(peer.port());
    }

    EchoPeer peer_{{.identity = GetParam() ? &identity_ : nullptr}};
};

TEST_P(NetDestructionTest, NothingIsCalledAfterItWasDestroyedWhileConnecting) {
    Conversation conversation(loop_);
    loop_.run([&] {
        conversation.stream_ = loop_.connect(options(peer_), conversation);
        conversation.stream_.reset();
    });
    Conversation next(loop_);  // once it has echoed, the first would have been told
    next.open(options(peer_));
    next.write("hello");
    ASSERT_TRUE(next.wait_for_bytes(5));
    EXPECT_EQ(conversation.opened(), 0);
    EXPECT_THAT(conversation.endings(), testing::IsEmpty());
}

TEST_P(NetDestructionTest, ItMayBeDestroyedInOnOpen) {
    Conversation conversation(loop_);
    conversation.at_open = [&] {
        conversation.stream_->write("hello");
        conversation.stream_.reset();
    };
    conversation.open(options(peer_));
    ASSERT_TRUE(conversation.wait_for_open());
    loop_.run([] {});
    EXPECT_THAT(conversation.endings(), testing::IsEmpty());
}

TEST_P(NetDestructionTest, ItMayBeDestroyedInOnBytes) {
    Conversation conversation(loop_);
    conversation.at_bytes = [&] {
        conversation.stream_->write("and more");
        conversation.stream_.reset();
    };
    conversation.open(options(peer_));
    conversation.write("hello");
    ASSERT_TRUE(conversation.wait_for_bytes(5));
    loop_.run([] {});
    EXPECT_THAT(conversation.endings(), testing::IsEmpty());
}

TEST_P(NetDestructionTest, ItMayBeDestroyedAndReplacedInOnEnd) {
    Conversation conversation(loop_);
    conversation.open(options(peer_));
    conversation.write("hello");
    ASSERT_TRUE(conversation.wait_for_bytes(5));
    conversation.at_end = [&] {
        conversation.at_end = nullptr;
        conversation.stream_ = loop_.connect(options(peer_), conversation);
        conversation.stream_->write("again");
    };
    peer_.close_connections();
    EXPECT_THAT(conversation.wait_for_end(), HasSubstr("closed"));
    loop_.run([] {});
    EXPECT_THAT(conversation.endings(), testing::SizeIs(1));
}

TEST_P(NetDestructionTest, ItMayBeDestroyedWithBytesUnderWay) {
    const std::string much = pattern(5'000'000);
    for (int round = 0; round < 5; ++round) {
        Conversation conversation(loop_);
        conversation.open(options(peer_));
        conversation.write(much);
        ASSERT_TRUE(conversation.wait_for_open());
    }
}

TEST_P(NetDestructionTest, TheLoopMayEndWithOperationsThatWereGivenUp) {
    auto loop = std::make_unique<EventLoop>("short-lived");
    Conversation(*loop).open(options(peer_));
    loop.reset();
}

INSTANTIATE_TEST_SUITE_P(Streams, NetDestructionTest, testing::Bool(), [](const auto& parameter) {
    return parameter.param ? "Tls" : "Tcp";
});

}  // namespace
}  // namespace roomcast::net

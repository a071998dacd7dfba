// SPDX-License-Identifier: Apache-2.0
// The bus thread's streams over TLS: whom they trust, and what they say when they do not.
#include <stdexcept>

#include <gmock/gmock.h>

#include "tests/integration/net_fixture.hpp"

namespace roomcast::net {
namespace {

using namespace std::chrono_literals;
using test::EchoPeer;
using test::TlsIdentity;
using testing::HasSubstr;
using testing::StartsWith;

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

}  // namespace
}  // namespace roomcast::net

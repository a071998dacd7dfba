// SPDX-License-Identifier: Apache-2.0
#include "gateway/tls.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "tests/unit/gateway/tls_fixture.hpp"

namespace roomcast {
namespace {

TEST_F(TlsTest, CarriesTextBothWays) {
    const auto context = TlsContext::load(certificate(), key(), nullptr);
    ASSERT_TRUE(context) << context.error();
    TlsClient client;
    TlsStream server(*context);
    EXPECT_FALSE(server.is_established());
    exchange(client, server);
    ASSERT_TRUE(server.is_established());

    const std::string question(100'000, 'q');
    ASSERT_EQ(SSL_write(client.ssl(), question.data(), static_cast<int>(question.size())), 100'000);
    std::string received;
    for (int i = 0; i < 4; ++i)
        received += exchange(client, server);
    EXPECT_EQ(received, question);

    const std::string answer(TlsStream::kMaxRecord, 'a');
    ASSERT_TRUE(server.write(answer));
    client.feed(server.ciphertext());
    EXPECT_EQ(client.read(), answer);
}

TEST_F(TlsTest, GarbageFailsTheStream) {
    const auto context = TlsContext::load(certificate(), key(), nullptr);
    ASSERT_TRUE(context);
    TlsStream server(*context);
    server.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    std::array<char, 1'024> buffer;
    EXPECT_EQ(server.read(buffer).status, TlsStream::ReadStatus::failed);
}

TEST_F(TlsTest, AClientResumesItsSessionOverAReload) {
    const auto before = TlsContext::load(certificate(), key(), nullptr);
    ASSERT_TRUE(before);
    TlsClient first;
    TlsStream server(*before);
    exchange(first, server);
    ASSERT_TRUE(server.write("x"));  // the session ticket comes with it
    first.feed(server.ciphertext());
    EXPECT_EQ(first.read(), "x");
    SSL_SESSION* session = SSL_get1_session(first.ssl());

    const auto after = TlsContext::load(certificate(), key(), before->get());
    ASSERT_TRUE(after);
    TlsClient second(session);
    TlsStream server_after(*after);
    exchange(second, server_after);
    EXPECT_TRUE(server_after.is_established());
    EXPECT_EQ(SSL_session_reused(second.ssl()), 1);
    SSL_SESSION_free(session);
}

TEST_F(TlsTest, LoadSaysWhichFileIsWrong) {
    const auto missing = TlsContext::load(folder.file("none.pem"), key(), nullptr);
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().find("TLS_CERT_FILE"), std::string::npos) << missing.error();

    const std::string other_key = folder.file("other.pem");
    const std::string command = "openssl ecparam -genkey -name prime256v1 -noout -out " + other_key;
    ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe): one thread
    const auto mismatch = TlsContext::load(certificate(), other_key, nullptr);
    ASSERT_FALSE(mismatch);
    EXPECT_NE(mismatch.error().find("TLS_KEY_FILE"), std::string::npos) << mismatch.error();

    std::ofstream(folder.file("broken.pem")) << "no key";
    const auto broken = TlsContext::load(certificate(), folder.file("broken.pem"), nullptr);
    ASSERT_FALSE(broken);
    EXPECT_NE(broken.error().find("broken.pem"), std::string::npos) << broken.error();
}

}  // namespace
}  // namespace roomcast

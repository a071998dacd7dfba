// SPDX-License-Identifier: Apache-2.0
#include "gateway/tls.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

namespace roomcast {
namespace {

namespace fs = std::filesystem;

/// A folder with a self-signed certificate "localhost" and its key, made by the openssl program.
class TlsTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "roomcast-tls-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder = pattern;
        const std::string command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            "-subj /CN=localhost -keyout " +
            key() + " -out " + certificate() + " 2>/dev/null";
        ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe): one thread
    }

    void TearDown() override { fs::remove_all(folder); }

    [[nodiscard]] std::string certificate() const { return (folder / "cert.pem").string(); }

    [[nodiscard]] std::string key() const { return (folder / "key.pem").string(); }

    fs::path folder;
};

/// An OpenSSL client on memory, fed by hand.
class Client {
public:
    explicit Client(SSL_SESSION* session = nullptr)
        : context_(SSL_CTX_new(TLS_client_method())),
          ssl_(SSL_new(context_)) {
        SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(ssl_);
        if (session) SSL_set_session(ssl_, session);
    }

    ~Client() {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
    }

    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] SSL* ssl() { return ssl_; }

    std::string take_output() {
        std::array<char, 65'536> buffer;
        const int got = BIO_read(SSL_get_wbio(ssl_), buffer.data(), buffer.size());
        return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
    }

    void feed(std::string_view bytes) {
        BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
    }

    std::string read() {
        std::string text;
        std::array<char, 16'384> buffer;
        for (int got = 0; (got = SSL_read(ssl_, buffer.data(), buffer.size())) > 0;) {
            text.append(buffer.data(), static_cast<std::size_t>(got));
        }
        return text;
    }

private:
    SSL_CTX* context_;
    SSL* ssl_;
};

/// Carries bytes both ways until nothing moves. Gives what the server read.
std::string exchange(Client& client, TlsStream& server) {
    std::string plain;
    std::array<char, 16'384> buffer;
    for (bool is_moving = true; is_moving;) {
        (void)SSL_do_handshake(client.ssl());
        const std::string to_server = client.take_output();
        server.feed(to_server);
        for (;;) {
            const auto [status, size] = server.read(buffer);
            if (status != TlsStream::ReadStatus::bytes) break;
            plain.append(buffer.data(), size);
        }
        const std::string to_client(server.ciphertext());
        server.consume_ciphertext(to_client.size());
        client.feed(to_client);
        is_moving = !to_server.empty() || !to_client.empty();
    }
    return plain;
}

TEST_F(TlsTest, CarriesTextBothWays) {
    const auto context = TlsContext::load(certificate(), key(), nullptr);
    ASSERT_TRUE(context) << context.error();
    Client client;
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
    Client first;
    TlsStream server(*before);
    exchange(first, server);
    ASSERT_TRUE(server.write("x"));  // the session ticket comes with it
    first.feed(server.ciphertext());
    EXPECT_EQ(first.read(), "x");
    SSL_SESSION* session = SSL_get1_session(first.ssl());

    const auto after = TlsContext::load(certificate(), key(), before->get());
    ASSERT_TRUE(after);
    Client second(session);
    TlsStream server_after(*after);
    exchange(second, server_after);
    EXPECT_TRUE(server_after.is_established());
    EXPECT_EQ(SSL_session_reused(second.ssl()), 1);
    SSL_SESSION_free(session);
}

TEST_F(TlsTest, LoadSaysWhichFileIsWrong) {
    const auto missing = TlsContext::load((folder / "none.pem").string(), key(), nullptr);
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().find("TLS_CERT_FILE"), std::string::npos) << missing.error();

    const std::string other_key = (folder / "other.pem").string();
    const std::string command = "openssl ecparam -genkey -name prime256v1 -noout -out " + other_key;
    ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe): one thread
    const auto mismatch = TlsContext::load(certificate(), other_key, nullptr);
    ASSERT_FALSE(mismatch);
    EXPECT_NE(mismatch.error().find("TLS_KEY_FILE"), std::string::npos) << mismatch.error();

    std::ofstream(folder / "broken.pem") << "no key";
    const auto broken = TlsContext::load(certificate(), (folder / "broken.pem").string(), nullptr);
    ASSERT_FALSE(broken);
    EXPECT_NE(broken.error().find("broken.pem"), std::string::npos) << broken.error();
}

}  // namespace
}  // namespace roomcast

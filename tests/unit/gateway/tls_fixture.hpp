// SPDX-License-Identifier: Apache-2.0
// A certificate, and clients that speak to a TlsStream without a socket.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "gateway/tls.hpp"
#include "tests/support/test_certificate.hpp"

namespace roomcast {

/// A self-signed certificate and its key.
class TlsTest : public testing::Test {
protected:
    [[nodiscard]] const std::string& certificate() const { return made_.certificate_file; }

    [[nodiscard]] const std::string& key() const { return made_.key_file; }

    test::TempDir folder;

private:
    test::TestCertificate made_ = test::make_test_certificate(folder);
};

/// An OpenSSL client on memory, fed by hand.
class TlsClient {
public:
    explicit TlsClient(SSL_SESSION* session = nullptr)
        : context_(SSL_CTX_new(TLS_client_method())),
          ssl_(SSL_new(context_)) {
        SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(ssl_);
        if (session) SSL_set_session(ssl_, session);
    }

    ~TlsClient() {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
    }

    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

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
inline std::string exchange(TlsClient& client, TlsStream& server) {
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

}  // namespace roomcast

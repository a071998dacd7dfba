// SPDX-License-Identifier: Apache-2.0
// The client against servers that are right, wrong, slow and hostile.
#include "http/https_client.hpp"

#include <chrono>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/tiny_http_server.hpp"

namespace roomcast::http {
namespace {

using namespace std::chrono_literals;
using test::TinyHttpServer;
using test::TlsIdentity;
using testing::AllOf;
using testing::HasSubstr;

/// What the client makes of a URL, within the test's patience.
ClientResult fetch(HttpsClient& client, const std::string& url, ClientLimits limits = {}) {
    const auto parsed = parse_url(url);
    EXPECT_TRUE(parsed) << url;
    std::promise<ClientResult> promise;
    std::future<ClientResult> result = promise.get_future();
    client.get(
        *parsed, limits, [&promise](ClientResult answer) { promise.set_value(std::move(answer)); });
    return result.get();
}

std::string failure(const ClientResult& result) {
    return result ? "none" : result.error();
}

class HttpsClientTest : public testing::Test {
protected:
    HttpsClientTest() {
        ::signal(SIGPIPE, SIG_IGN);  // the test's TLS server may write to a closed connection
        identity_.write_certificate(trusted_);
    }

    ~HttpsClientTest() override { std::remove(trusted_.c_str()); }

    const std::string trusted_ =
        testing::TempDir() + "https_client_test." + std::to_string(::getpid()) + ".pem";
    const TlsIdentity identity_{"localhost"};
};

TEST_F(HttpsClientTest, GetsABodyOverHttp) {
    TinyHttpServer server;
    server.set_body("hello");
    HttpsClient client;
    const ClientResult result =
        fetch(client, "http://127.0.0.1:" + server.port() + "/keys?tenant=1#part");
    ASSERT_TRUE(result) << result.error();
    EXPECT_EQ(result->status, 200U);
    EXPECT_EQ(result->body, "hello");
    EXPECT_THAT(server.last_request(),
                AllOf(HasSubstr("GET /keys?tenant=1 HTTP/1.1\r\n"),
                      HasSubstr("Host: 127.0.0.1:" + server.port() + "\r\n"),
                      HasSubstr("Connection: close\r\n")));
}

TEST_F(HttpsClientTest, GetsABodyOverHttpsFromATrustedHost) {
    TinyHttpServer server(&identity_);
    server.set_body("hello");
    HttpsClient client(trusted_);
    const ClientResult result = fetch(client, "https://localhost:" + server.port() + "/");
    ASSERT_TRUE(result) << result.error();
    EXPECT_EQ(result->body, "hello");
}

TEST_F(HttpsClientTest, ReadsAChunkedBody) {
    TinyHttpServer server;
    server.set_raw_answer(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
    HttpsClient client;
    const ClientResult result = fetch(client, "http://127.0.0.1:" + server.port());
    ASSERT_TRUE(result) << result.error();
    EXPECT_EQ(result->body, "hello");
}

TEST_F(HttpsClientTest, RefusesACertificateThatNobodyVouchesFor) {
    TinyHttpServer server(&identity_);
    server.set_body("hello");
    HttpsClient client;
    EXPECT_THAT(failure(fetch(client, "https://localhost:" + server.port() + "/")),
                HasSubstr("certificate is not trusted: self-signed"));
    EXPECT_EQ(server.requests(), 0);
}

TEST_F(HttpsClientTest, RefusesATrustedCertificateOfAnotherHost) {
    TinyHttpServer server(&identity_);
    server.set_body("hello");
    HttpsClient client(trusted_);
    EXPECT_THAT(failure(fetch(client, "https://127.0.0.1:" + server.port() + "/")),
                HasSubstr("certificate is not trusted: IP address mismatch"));
    EXPECT_EQ(server.requests(), 0);

    const TlsIdentity elsewhere("localhost.example");
    elsewhere.write_certificate(trusted_);
    TinyHttpServer other(&elsewhere);
    other.set_body("hello");
    HttpsClient other_client(trusted_);
    EXPECT_THAT(failure(fetch(other_client, "https://localhost:" + other.port() + "/")),
                HasSubstr("certificate is not trusted: hostname mismatch"));
    EXPECT_EQ(other.requests(), 0);
}

TEST_F(HttpsClientTest, GivesUpOnASilentServerAtTheDeadline) {
    TinyHttpServer server;
    server.go_silent();
    HttpsClient client;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(failure(fetch(client, "http://127.0.0.1:" + server.port(), {200ms, 1'000})),
              "no answer in time");
    EXPECT_GE(std::chrono::steady_clock::now() - start, 200ms);
    EXPECT_EQ(server.requests(), 1);
}

TEST_F(HttpsClientTest, GivesUpOnAServerThatIsSilentInTheHandshake) {
    TinyHttpServer server;  // takes the handshake for the head of a request, and waits for its end
    HttpsClient client(trusted_);
    EXPECT_EQ(failure(fetch(client, "https://localhost:" + server.port(), {200ms, 1'000})),
              "no answer in time");
}

TEST_F(HttpsClientTest, RefusesABodyAboveTheLimitHoweverItIsAnnounced) {
    TinyHttpServer server;
    HttpsClient client;
    const std::string url = "http://127.0.0.1:" + server.port();
    server.set_body(std::string(1'001, 'x'));
    EXPECT_EQ(failure(fetch(client, url, {5s, 1'000})), "its answer is too large");
    server.set_raw_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                          std::string(1'001, 'x') + "\r\n0\r\n\r\n");
    EXPECT_EQ(failure(fetch(client, url, {5s, 1'000})), "its answer is too large");
    server.set_raw_answer("HTTP/1.0 200 OK\r\n\r\n" + std::string(1'001, 'x'));
    EXPECT_EQ(failure(fetch(client, url, {5s, 1'000})), "its answer is too large");
    server.set_body(std::string(1'000, 'x'));
    EXPECT_TRUE(fetch(client, url, {5s, 1'000}));
}

TEST_F(HttpsClientTest, RedirectIsAnAnswerAndNotFollowed) {
    TinyHttpServer server;
    server.set_raw_answer("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");
    HttpsClient client;
    const ClientResult result = fetch(client, "http://127.0.0.1:" + server.port());
    ASSERT_TRUE(result);
    EXPECT_EQ(result->status, 302U);
    EXPECT_EQ(server.requests(), 1);
}

TEST_F(HttpsClientTest, RefusesAnswersThatAreCutOffOrNoHttp) {
    TinyHttpServer server;
    HttpsClient client;
    for (const std::string answer : {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
                                     "SSH-2.0-OpenSSH_9\r\n",
                                     "HTTP/1.1 200 OK\r\n"}) {
        server.set_raw_answer(answer);
        EXPECT_THAT(failure(fetch(client, "http://127.0.0.1:" + server.port())),
                    HasSubstr("cut off or no HTTP"))
            << answer;
    }
}

TEST_F(HttpsClientTest, SaysWhyItCannotConnect) {
    std::string port;
    {
        TinyHttpServer gone;
        port = gone.port();
    }
    HttpsClient client;
    EXPECT_THAT(failure(fetch(client, "http://127.0.0.1:" + port)), HasSubstr("cannot connect"));
}

TEST_F(HttpsClientTest, StopEndsRequestsWithoutACall) {
    TinyHttpServer server;
    server.go_silent();
    std::atomic<bool> is_called = false;
    HttpsClient client;
    client.get(*parse_url("http://127.0.0.1:" + server.port()), {}, [&](const ClientResult&) {
        is_called = true;
    });
    client.run_after(10s, [&] { is_called = true; });
    client.stop();
    EXPECT_FALSE(is_called);
}

TEST_F(HttpsClientTest, MissingCertificatesEndTheStart) {
    EXPECT_THROW(HttpsClient client("/nonexistent.pem"), std::runtime_error);
}

TEST(UrlTest, IsSplitIntoItsParts) {
    EXPECT_EQ(*parse_url("https://id.example/keys.json"),
              (Url{true, "id.example", "443", "/keys.json"}));
    EXPECT_EQ(*parse_url("http://localhost"), (Url{false, "localhost", "80", "/"}));
    EXPECT_EQ(*parse_url("http://localhost:8080?a=b@c"),
              (Url{false, "localhost", "8080", "/?a=b@c"}));
    EXPECT_EQ(*parse_url("https://[::1]:8443/a#b"), (Url{true, "::1", "8443", "/a"}));
    EXPECT_EQ(*parse_url("http://[::1]"), (Url{false, "::1", "80", "/"}));
}

TEST(UrlTest, WhatIsNoUrlForUsIsRefusedWithoutBeingRepeated) {
    for (const char* text : {"",
                             "hush.example/keys",
                             "ftp://hush.example",
                             "file:///etc/hush",
                             "HTTP:/hush",
                             "https://",
                             "https:///hush",
                             "https://:443/hush",
                             "https://user:hush@id.example/",
                             "https://hush.example:",
                             "https://hush.example:0",
                             "https://hush.example:65536",
                             "https://hush.example:44a",
                             "https://hush.example:999999999999",
                             "https://[::1/hush",
                             "https://[hush]/",
                             "https://[::1]x/hush",
                             "https://hush.example/a b",
                             "https://hush.example/a\r\nHost: b",
                             "https://h\xc3\xbcsh.example/"}) {
        const auto url = parse_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_THAT(url.error(), testing::Not(HasSubstr("hush"))) << text;
    }
}

}  // namespace
}  // namespace roomcast::http

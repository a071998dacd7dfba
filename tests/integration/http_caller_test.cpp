// SPDX-License-Identifier: Apache-2.0
// The calls of the `publish` and `health` commands, against servers on loopback.
#include "app/http_caller.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/support/tiny_http_server.hpp"

namespace roomcast {
namespace {

using test::TinyHttpServer;
using test::TlsIdentity;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(HttpCallerTest, PostsABodyWithItsKey) {
    TinyHttpServer server;
    server.set_body("taken");
    const auto answer = call_http({.method = "POST",
                                   .url = "http://127.0.0.1:" + server.port() + "/api/event",
                                   .bearer = "s3cret",
                                   .body = R"({"channel":"a"})"});
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "taken");
    EXPECT_THAT(server.last_request(),
                AllOf(HasSubstr("POST /api/event HTTP/1.1\r\n"),
                      HasSubstr("Authorization: Bearer s3cret\r\n"),
                      HasSubstr("Content-Type: application/json\r\n"),
                      HasSubstr("Content-Length: 15\r\n")));
}

TEST(HttpCallerTest, SendsNoAuthorizationWithoutAKey) {
    TinyHttpServer server;
    server.set_body("ready");
    const auto answer = call_http({.url = "http://127.0.0.1:" + server.port() + "/readyz"});
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_THAT(server.last_request(), Not(HasSubstr("Authorization")));
}

TEST(HttpCallerTest, TakesAnyCertificateFromItsOwnServerAlone) {
    ::signal(SIGPIPE, SIG_IGN);  // the test's TLS server may write to a closed connection
    const TlsIdentity identity("example.org");
    TinyHttpServer server(&identity);
    server.set_body("ready");
    HttpCall call{.url = "https://127.0.0.1:" + server.port() + "/readyz"};
    const auto refused = call_http(call);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), HasSubstr("certificate is not trusted"));
    call.is_own_server = true;
    const auto answer = call_http(call);
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->body, "ready");
}

TEST(HttpCallerTest, NamesTheUrlThatDoesNotAnswer) {
    const auto answer = call_http({.url = "http://127.0.0.1:1/readyz"});
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error(), HasSubstr("http://127.0.0.1:1/readyz: cannot connect"));
}

}  // namespace
}  // namespace roomcast

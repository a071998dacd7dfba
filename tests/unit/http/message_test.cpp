// SPDX-License-Identifier: Apache-2.0
#include "http/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Response answer(int status, std::string body) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

TEST(SerializeTest, WritesStatusLengthAndBody) {
    const std::string bytes = serialize(answer(200, "{}"), true, false);
    EXPECT_EQ(bytes,
              "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
              "X-Content-Type-Options: nosniff\r\nConnection: keep-alive\r\n\r\n{}");
}

TEST(SerializeTest, AnswersHeadWithTheLengthAlone) {
    const std::string bytes = serialize(answer(200, "hello"), true, true);
    EXPECT_THAT(bytes, HasSubstr("Content-Length: 5\r\n"));
    EXPECT_THAT(bytes, EndsWith("\r\n\r\n"));
}

TEST(SerializeTest, NeverGivesABodyToNoContentAndNotModified) {
    for (const int status : {204, 304}) {
        const std::string bytes = serialize(answer(status, "hello"), true, false);
        EXPECT_THAT(bytes, Not(HasSubstr("Content-Length")));
        EXPECT_THAT(bytes, EndsWith("\r\n\r\n"));
    }
}

TEST(SerializeTest, SaysWhenTheConnectionCloses) {
    Response response = answer(400, "{}");
    EXPECT_THAT(serialize(response, false, false), HasSubstr("Connection: close\r\n"));
    response.must_close = true;
    EXPECT_THAT(serialize(response, true, false), HasSubstr("Connection: close\r\n"));
    response.headers.push_back({"Upgrade", "websocket"});
    EXPECT_THAT(serialize(response, true, false), HasSubstr("Connection: close, Upgrade\r\n"));
}

TEST(SerializeTest, LetsNoHeaderValueEndItsLine) {
    Response response = answer(200, "");
    response.headers.push_back({"X-A", "b\r\nSet-Cookie: c"});
    EXPECT_THAT(serialize(response, true, false), HasSubstr("X-A: b  Set-Cookie: c\r\n"));
}

TEST(SerializeTest, HasAPhraseForEachStatusThatItGives) {
    EXPECT_THAT(serialize(answer(431, ""), true, false),
                StartsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
}

TEST(ErrorResponseTest, EscapesItsText) {
    EXPECT_EQ(error_response(400, "bad_request", "a \"b\"").body,
              R"({"error":"a \"b\"","reason":"bad_request"})");
}

TEST(RequestTest, FindsHeadersInAnyCase) {
    Request request;
    request.headers = {{"Connection", "keep-alive"}, {"connection", "x ,\tUPGRADE"}};
    EXPECT_EQ(request.header("CONNECTION"), "keep-alive");
    EXPECT_EQ(request.header_count("Connection"), 2U);
    EXPECT_TRUE(request.header_has_token("Connection", "upgrade"));
    EXPECT_FALSE(request.header_has_token("Connection", "up"));
}

}  // namespace
}  // namespace roomcast::http

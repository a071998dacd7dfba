// SPDX-License-Identifier: Apache-2.0
#include "http/event_api.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/router_fixture.hpp"

namespace roomcast::http {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class EventApiTest : public RouterTest {};

TEST_F(EventApiTest, PublishesAndAnswersWithTheMessageId) {
    const Response response =
        post("/api/event", R"({"channel":"room1","event":"e","payload":{"b":1, "a":[2]}})");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, R"({"status":"ok","message_id":101})");
    ASSERT_THAT(hub_.published, SizeIs(1));
    EXPECT_EQ(hub_.published[0].channel.text(), "room1");
    EXPECT_EQ(hub_.published[0].event, "e");
    EXPECT_EQ(hub_.published[0].payload, R"({"b":1, "a":[2]})");
    EXPECT_EQ(hub_.published[0].idempotency_key, "");
}

TEST_F(EventApiTest, FillsInEventAndPayload) {
    for (const char* body : {R"({"channel":"c"})",
                             R"({"channel":"c","event":""})",
                             R"({"channel":"c","event":null,"payload":null})"}) {
        EXPECT_EQ(post("/api/event", body).status, 200) << body;
        EXPECT_EQ(hub_.published.back().event, "message") << body;
        EXPECT_EQ(hub_.published.back().payload, "null") << body;
    }
}

TEST_F(EventApiTest, PassesThePayloadsTextThroughOnOneLine) {
    post("/api/event",
         "{\"channel\":\"c\",\"payload\":\r\n[12345678901234567890,\n{\"a\":1,\"a\":2}]}");
    EXPECT_EQ(hub_.published.back().payload, R"([12345678901234567890, {"a":1,"a":2}])");
}

TEST_F(EventApiTest, TakesTheLastOfARepeatedField) {
    post("/api/event", R"({"channel":"a","ch\u0061nnel":"b","payload":1,"payload":2})");
    EXPECT_EQ(hub_.published.back().channel.text(), "b");
    EXPECT_EQ(hub_.published.back().payload, "2");
}

TEST_F(EventApiTest, TakesAnyContentType) {
    Request request = with(make_request("POST", "/api/event", R"({"channel":"c"})"),
                           "Content-Type",
                           "application/x-www-form-urlencoded");
    EXPECT_EQ(ask(request).status, 200);
}

struct BadBody {
    std::string body;
    int status;
    std::string reason;
};

TEST_F(EventApiTest, RefusesWhatIsNoEvent) {
    const std::vector<BadBody> cases = {
        {"", 400, "bad_message"},
        {"nonsense", 400, "bad_message"},
        {"[]", 400, "bad_message"},
        {R"({"channel":"c"} x)", 400, "bad_message"},
        {R"({"channel":"c","payload":tru})", 400, "bad_message"},
        {R"({"channel":"c","payload":[1,]})", 400, "bad_message"},
        {"{\"channel\":\"\xff\"}", 400, "bad_message"},
        {"{\"channel\":\"c\",\"payload\":\"\xc3\"}", 400, "bad_message"},
        {"{}", 400, "bad_message"},
        {R"({"event":"e","payload":1})", 400, "bad_message"},
        {R"({"channel":null})", 400, "bad_message"},
        {R"({"channel":5})", 400, "bad_message"},
        {R"({"channel":""})", 400, "bad_channel"},
        {R"({"channel":"a\u0000b"})", 400, "bad_channel"},
        {R"({"channel":")" + std::string(257, 'a') + R"("})", 400, "bad_channel"},
        {R"({"channel":"c","event":5})", 400, "bad_message"},
        {R"({"channel":"c","event":")" + std::string(257, 'e') + R"("})", 400, "bad_message"},
        {R"({"channel":"c","payload":")" + std::string(65'536, 'p') + R"("})", 413, "too_large"},
        {R"({"channel":"c","payload":)" + std::string(30'000, '[') + "}", 400, "bad_message"},
    };
    for (const BadBody& one : cases) {
        const Response response = post("/api/event", one.body);
        EXPECT_EQ(response.status, one.status) << one.body.substr(0, 80);
        EXPECT_THAT(response.body, HasSubstr(R"("reason":")" + one.reason + '"'));
    }
    EXPECT_THAT(hub_.published, SizeIs(0));
}

TEST_F(EventApiTest, SaysWhenTheBrokerDidNotTakeIt) {
    hub_.publish_error = Errc::unavailable;
    const Response response = post("/api/event", R"({"channel":"c"})");
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body, R"({"error":"publish failed","reason":"unavailable"})");
    EXPECT_EQ(header_of(response, "Retry-After"), "1");
    hub_.publish_error = Errc::limit;
    EXPECT_EQ(post("/api/event", R"({"channel":"c"})").status, 413);
}

TEST_F(EventApiTest, AnswersOnlyWhenTheBrokerHas) {
    hub_.holds_answers = true;
    EXPECT_FALSE(try_ask(make_request("POST", "/api/event", R"({"channel":"c"})")));
    hub_.held.front()();
    ASSERT_TRUE(last_answer());
    EXPECT_EQ(last_answer()->status, 200);
}

TEST_F(EventApiTest, HandsOnTheIdempotencyKeyAndWhoseItIs) {
    keys_ = *ApiKeys::parse("backend:secret");
    Request request = make_request("POST", "/api/event", R"({"channel":"c"})");
    request.headers.push_back({"Idempotency-Key", "k1"});
    request.headers.push_back({"Authorization", "bearer secret"});
    EXPECT_EQ(ask(request).status, 200);
    EXPECT_EQ(hub_.published.back().idempotency_key, "k1");
    EXPECT_EQ(hub_.published.back().key_owner, "key:backend");
}

TEST_F(EventApiTest, RefusesIdempotencyKeysThatAreTooLongOrTwo) {
    const Request request = make_request("POST", "/api/event", R"({"channel":"c"})");
    EXPECT_EQ(ask(with(request, "Idempotency-Key", std::string(64, 'k'))).status, 200);
    EXPECT_EQ(ask(with(request, "Idempotency-Key", std::string(65, 'k'))).status, 400);
    EXPECT_EQ(ask(with(with(request, "Idempotency-Key", "a"), "Idempotency-Key", "b")).status, 400);
}

TEST_F(EventApiTest, PublishesABatchInOrderAndAnswersEachEvent) {
    const Response response = post("/api/events", R"({"events":[
        {"channel":"a","payload":1},{"payload":2},{"channel":"a","payload":3},7,
        {"channel":"\u0001"}]})");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body,
              R"({"results":[{"message_id":101},)"
              R"({"error":"channel is missing","reason":"bad_message"},{"message_id":102},)"
              R"({"error":"an event is an object","reason":"bad_message"},)"
              R"({"error":"channel must have 1 to 256 bytes and no control characters",)"
              R"("reason":"bad_channel"}]})");
    ASSERT_THAT(hub_.published, SizeIs(2));
    EXPECT_EQ(hub_.published[0].payload, "1");
    EXPECT_EQ(hub_.published[1].payload, "3");
}

TEST_F(EventApiTest, KeepsTheOrderOfResultsThatComeInAnother) {
    hub_.holds_answers = true;
    EXPECT_FALSE(try_ask(make_request(
        "POST", "/api/events", R"({"events":[{"channel":"a"},{"channel":"b"},{"channel":"c"}]})")));
    ASSERT_THAT(hub_.held, SizeIs(3));
    hub_.held[2]();
    hub_.held[0]();
    EXPECT_FALSE(last_answer());
    hub_.held[1]();
    ASSERT_TRUE(last_answer());
    EXPECT_EQ(last_answer()->body,
              R"({"results":[{"message_id":101},{"message_id":102},{"message_id":103}]})");
}

TEST_F(EventApiTest, TellsWhichEventsOfABatchFailed) {
    hub_.publish_error = Errc::unavailable;
    const Response response = post("/api/events", R"({"events":[{"channel":"a"}]})");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, R"({"results":[{"error":"publish failed","reason":"unavailable"}]})");
}

TEST_F(EventApiTest, GivesEachEventOfABatchAKeyOfItsOwn) {
    Request request =
        make_request("POST", "/api/events", R"({"events":[{"channel":"a"},{"channel":"a"}]})");
    ask(with(request, "Idempotency-Key", "k"));
    ASSERT_THAT(hub_.published, SizeIs(2));
    EXPECT_EQ(hub_.published[0].idempotency_key, "k:0");
    EXPECT_EQ(hub_.published[1].idempotency_key, "k:1");
}

TEST_F(EventApiTest, RefusesWhatIsNoBatch) {
    std::string many = R"({"events":[0)";
    for (int i = 0; i < 999; ++i)
        many += ",0";
    EXPECT_EQ(post("/api/events", many + "]}").status, 200);
    EXPECT_EQ(post("/api/events", many + ",0]}").status, 400);
    EXPECT_EQ(post("/api/events", "{}").status, 400);
    EXPECT_EQ(post("/api/events", R"({"events":{}})").status, 400);
    EXPECT_EQ(post("/api/events", "[]").status, 400);
    EXPECT_EQ(post("/api/events", R"({"events":[]})").body, R"({"results":[]})");
}

}  // namespace
}  // namespace roomcast::http

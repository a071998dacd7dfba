// SPDX-License-Identifier: Apache-2.0
#include "http/router.hpp"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/json.hpp"
#include "http/openapi.hpp"
#include "http/route.hpp"
#include "http/web_assets.hpp"
#include "tests/unit/http/router_fixture.hpp"

namespace roomcast::http {
namespace {

using testing::HasSubstr;

TEST_F(RouterTest, AnswersUnknownRoutesWithJson) {
    for (const char* path : {"/nothing",
                             "/api",
                             "/api/event/",
                             "/api//event",
                             "/api/channels//presence",
                             "//",
                             "/healthz/x",
                             "/API/event",
                             "/sse",
                             "/console"}) {
        const Response response = get(path);
        EXPECT_EQ(response.status, 404) << path;
        EXPECT_THAT(response.body, HasSubstr(R"("reason":"not_found")")) << path;
    }
}

TEST_F(RouterTest, NamesTheMethodsOfAKnownPath) {
    EXPECT_EQ(get("/api/event").status, 405);
    EXPECT_EQ(header_of(get("/api/event"), "Allow"), "POST, OPTIONS");
    EXPECT_EQ(header_of(post("/healthz", ""), "Allow"), "GET, HEAD, OPTIONS");
    EXPECT_EQ(header_of(post("/api/connections/1", ""), "Allow"), "GET, HEAD, DELETE, OPTIONS");
    EXPECT_EQ(ask(make_request("get", "/healthz")).status, 405);
}

TEST_F(RouterTest, AnswersHeadAsGet) {
    EXPECT_EQ(ask(make_request("HEAD", "/healthz")).body, get("/healthz").body);
    EXPECT_EQ(ask(make_request("HEAD", "/api/event")).status, 405);
}

TEST_F(RouterTest, AnswersOptionsOnEveryRoute) {
    for (const Route& route : route_table()) {
        const std::string path(route.pattern == "/{file}" ? "/" : route.pattern);
        const Response response = ask(make_request("OPTIONS", path));
        EXPECT_EQ(response.status, 204) << path;
        EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), "*") << path;
        EXPECT_EQ(header_of(response, "Access-Control-Allow-Headers"),
                  "Content-Type, Authorization");
    }
    EXPECT_EQ(header_of(ask(make_request("OPTIONS", "/api/event")), "Access-Control-Allow-Methods"),
              "GET, POST, OPTIONS");
    EXPECT_EQ(ask(make_request("OPTIONS", "*")).status, 204);
    EXPECT_EQ(ask(make_request("OPTIONS", "/nothing")).status, 404);
}

TEST_F(RouterTest, AllowsOurHeadersToAPageThatAsksForThem) {
    const Response response = ask(with(make_request("OPTIONS", "/api/event"),
                                       "Access-Control-Request-Headers",
                                       "content-type,idempotency-key, x-other"));
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Headers"),
              "Content-Type, Authorization, Idempotency-Key");
}

TEST_F(RouterTest, TellsOnlyListedOriginsThatTheyMayRead) {
    cors_ = *OriginList::parse("https://app.example.com");
    const Response good =
        ask(with(make_request("GET", "/healthz"), "Origin", "https://app.example.com"));
    EXPECT_EQ(header_of(good, "Access-Control-Allow-Origin"), "https://app.example.com");
    EXPECT_EQ(header_of(good, "Vary"), "Origin");
    const Response bad =
        ask(with(make_request("GET", "/healthz"), "Origin", "https://evil.example"));
    EXPECT_EQ(bad.status, 200);
    EXPECT_EQ(header_of(bad, "Access-Control-Allow-Origin"), "");
    EXPECT_EQ(header_of(bad, "Vary"), "Origin");
    EXPECT_EQ(header_of(get("/nothing"), "Vary"), "Origin");
}

TEST_F(RouterTest, RefusesPathsAndQueriesThatCannotBeDecoded) {
    EXPECT_EQ(get("/api/channels/a%2/presence").status, 400);
    EXPECT_EQ(get("/api/channels/%ff/presence").status, 400);
    EXPECT_EQ(get("/api/channels?prefix=%zz").status, 400);
    EXPECT_EQ(get("/healthz?a=%").status, 400);
}

TEST_F(RouterTest, SaysWhetherItIsReady) {
    EXPECT_EQ(get("/readyz").status, 200);
    server_.unready = "draining";
    const Response response = get("/readyz");
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body, R"({"error":"draining","reason":"unready"})");
    EXPECT_EQ(header_of(response, "Retry-After"), "1");
    EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(RouterTest, ServesMetricsAsPrometheusText) {
    const Response response = get("/metrics");
    EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(response.body, "roomcast_up 1\n");
}

TEST_F(RouterTest, ServesPagesOnceForEachVersion) {
    const Response page = get("/");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.body, find_web_asset("/")->bytes);
    EXPECT_EQ(header_of(page, "Content-Security-Policy"), kWebAssetSecurityPolicy);
    const std::string etag = header_of(page, "ETag");
    EXPECT_EQ(ask(with(make_request("GET", "/"), "If-None-Match", "\"x\", " + etag)).status, 304);
    EXPECT_EQ(ask(with(make_request("GET", "/"), "If-None-Match", "\"x\"")).status, 200);
    EXPECT_EQ(get("/?anything=1").status, 200);
    EXPECT_EQ(get("/../etc/passwd").status, 404);
}

TEST_F(RouterTest, KeepsOperatorsAndClientsApartWhereThereAreTwoListeners) {
    has_operator_listener_ = true;
    EXPECT_EQ(get("/metrics").status, 404);
    EXPECT_EQ(ask(from_loopback(make_request("GET", "/api/stats"))).status, 404);
    EXPECT_EQ(get("/healthz").status, 200);
    EXPECT_EQ(get("/api/channels").status, 200);
    has_operator_listener_ = false;
    is_operator_listener_ = true;
    EXPECT_EQ(get("/metrics").status, 200);
    EXPECT_EQ(ask(from_loopback(make_request("GET", "/api/stats"))).status, 200);
    EXPECT_EQ(get("/readyz").status, 200);
    EXPECT_EQ(get("/api/channels").status, 404);
    EXPECT_EQ(get("/").status, 404);
}

std::string lower_case(std::string_view method) {
    std::string text;
    for (const char c : method)
        text += static_cast<char>(c - 'A' + 'a');
    return text;
}

TEST(OpenApiTest, DescribesExactlyTheRoutesThatThereAre) {
    const json::PaddedString text(openapi_assets().front().bytes);
    const auto document = json::parse_object(text.text());
    ASSERT_TRUE(document);
    std::set<std::string> described;
    for (const json::Member& member : document->members()) {
        if (member.name.to_string() != "paths") continue;
        for (const json::Member& path : member.value.members()) {
            for (const json::Member& method : path.value.members()) {
                if (method.name.to_string() == "parameters") continue;
                described.insert(*method.name.to_string() + " " + *path.name.to_string());
            }
        }
    }
    std::set<std::string> served = {"get /ws", "options /ws"};
    for (const Route& route : route_table()) {
        served.insert(lower_case(route.method) + " " + std::string(route.pattern));
        served.insert("options " + std::string(route.pattern));
    }
    EXPECT_EQ(described, served);
}

TEST_F(RouterTest, ServesItsDescription) {
    const Response response = get("/openapi.json");
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_EQ(response.body, openapi_assets().front().bytes);
}

}  // namespace
}  // namespace roomcast::http

// SPDX-License-Identifier: Apache-2.0
#include "http/api_access.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/router_fixture.hpp"

namespace roomcast::http {
namespace {

class ApiAccessTest : public RouterTest {
protected:
    int status(const std::string& target, const std::string& credential) {
        Request request = make_request("GET", target);
        if (!credential.empty()) {
            request.headers.push_back({"Authorization", "Bearer " + credential});
        }
        return ask(std::move(request)).status;
    }

    static Request stats() { return from_loopback(make_request("GET", "/api/stats")); }
};

TEST_F(ApiAccessTest, IsOpenUntilThereAreKeysOrTokens) {
    EXPECT_EQ(status("/api/channels", ""), 200);
    verifier_ = &fake_verifier_;
    EXPECT_EQ(status("/api/channels", ""), 401);
    verifier_ = nullptr;
    keys_ = *ApiKeys::parse("a:one");
    EXPECT_EQ(status("/api/channels", ""), 401);
    api_auth_ = ApiAuth::none;
    EXPECT_EQ(status("/api/channels", ""), 200);
    EXPECT_EQ(status("/api/channels", "wrong"), 200);
}

TEST_F(ApiAccessTest, StaysShutWhenRequiredWithoutAnyKey) {
    api_auth_ = ApiAuth::required;
    EXPECT_EQ(status("/api/channels", ""), 401);
    EXPECT_EQ(status("/api/channels", "anything"), 401);
}

TEST_F(ApiAccessTest, TakesKeysAndTokensByTheirRole) {
    keys_ = *ApiKeys::parse("a:one,b:two:admin");
    verifier_ = &fake_verifier_;

    struct Case {
        std::string credential;
        int api;
        int operators;
    };

    for (const Case& one : std::vector<Case>{{"one", 200, 403},
                                             {"two", 200, 200},
                                             {"service", 200, 403},
                                             {"admin", 200, 200},
                                             {"alice", 403, 403},
                                             {"wrong", 401, 401},
                                             {"", 401, 401}}) {
        EXPECT_EQ(status("/api/channels", one.credential), one.api) << one.credential;
        EXPECT_EQ(status("/api/stats", one.credential), one.operators) << one.credential;
    }
}

TEST_F(ApiAccessTest, AsksForABearer) {
    api_auth_ = ApiAuth::required;
    const Response response = get("/api/channels");
    EXPECT_EQ(header_of(response, "WWW-Authenticate"), "Bearer");
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(response.body,
              R"({"error":"an API key or a token is missing","reason":"unauthorized"})");
}

TEST_F(ApiAccessTest, TakesAKeyInItsOwnHeaderButNoToken) {
    keys_ = *ApiKeys::parse("a:one");
    verifier_ = &fake_verifier_;
    EXPECT_EQ(ask(with(make_request("GET", "/api/channels"), "X-API-Key", "one")).status, 200);
    EXPECT_EQ(ask(with(make_request("GET", "/api/channels"), "X-API-Key", "service")).status, 401);
}

TEST_F(ApiAccessTest, WaitsForASlowVerifier) {
    verifier_ = &fake_verifier_;
    fake_verifier_.is_slow = true;
    EXPECT_FALSE(
        try_ask(with(make_request("GET", "/api/channels"), "Authorization", "Bearer service")));
    fake_verifier_.held();
    ASSERT_TRUE(last_answer());
    EXPECT_EQ(last_answer()->status, 200);
}

TEST_F(ApiAccessTest, NamesTheTokensUserAsOwnerOfIdempotencyKeys) {
    verifier_ = &fake_verifier_;
    ask(with(make_request("POST", "/api/event", R"({"channel":"c"})"),
             "Authorization",
             "Bearer service"));
    EXPECT_EQ(hub_.published.back().key_owner, "user:service");
}

TEST_F(ApiAccessTest, HoldsATokenToItsChannels) {
    verifier_ = &fake_verifier_;
    fake_verifier_.custom.user_id = "backend";
    fake_verifier_.custom.role = "service";
    fake_verifier_.custom.rights = Rights::none();
    fake_verifier_.custom.rights.grant("news.*", static_cast<std::uint8_t>(Right::publish));
    const auto publish = [this](const std::string& target, const std::string& body) {
        return ask(with(make_request("POST", target, body), "Authorization", "Bearer custom"));
    };
    EXPECT_EQ(publish("/api/event", R"({"channel":"news.a"})").status, 200);
    EXPECT_EQ(publish("/api/event", R"({"channel":"private"})").status, 403);
    EXPECT_EQ(publish("/api/events", R"({"events":[{"channel":"private"}]})").body,
              R"({"results":[{"error":"the token does not allow this on this channel",)"
              R"("reason":"forbidden"}]})");
    EXPECT_EQ(status("/api/channels/news.a/presence", "custom"), 403);
}

TEST_F(ApiAccessTest, LetsOperatorsInFromTheServersOwnMachine) {
    EXPECT_EQ(ask(stats()).status, 200);
    api_auth_ = ApiAuth::required;
    EXPECT_EQ(ask(stats()).status, 200);
    EXPECT_EQ(ask(make_request("GET", "/api/stats")).status, 401);
    api_auth_ = ApiAuth::none;
    EXPECT_EQ(ask(make_request("GET", "/api/stats")).status, 401);
}

TEST_F(ApiAccessTest, TakesNoWebPageOrProxyForAnOperator) {
    EXPECT_EQ(ask(with(stats(), "Origin", "http://localhost:8080")).status, 401);
    EXPECT_EQ(ask(with(stats(), "X-Forwarded-For", "192.0.2.1")).status, 401);
    EXPECT_EQ(ask(with(stats(), "Forwarded", "for=192.0.2.1")).status, 401);
    EXPECT_EQ(ask(with(stats(), "Authorization", "Bearer wrong")).status, 401);
    for (const char* host :
         {"evil.example", "evil.example:8080", "localhost.evil.example", "[::2]"}) {
        Request request = stats();
        request.headers = {{"Host", host}};
        EXPECT_EQ(ask(request).status, 401) << host;
    }
    for (const char* host :
         {"localhost", "LOCALHOST:1", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080"}) {
        Request request = stats();
        request.headers = {{"Host", host}};
        EXPECT_EQ(ask(request).status, 200) << host;
    }
}

}  // namespace
}  // namespace roomcast::http

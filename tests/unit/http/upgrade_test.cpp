// SPDX-License-Identifier: Apache-2.0
#include "http/upgrade.hpp"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/fake_verifier.hpp"

namespace roomcast::http {
namespace {

using testing::HasSubstr;
using testing::Not;

// The example of RFC 6455, section 1.3.
constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr const char* kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

class UpgradeTest : public testing::Test {
protected:
    static Request plain_get(std::string target) {
        Request request;
        request.method = "GET";
        request.target = std::move(target);
        request.headers = {{"Host", "localhost"}};
        return request;
    }

    static Request upgrade(std::string target) {
        Request request = plain_get(std::move(target));
        request.headers.push_back({"Connection", "keep-alive, Upgrade"});
        request.headers.push_back({"Upgrade", "WebSocket"});
        request.headers.push_back({"Sec-WebSocket-Version", "13"});
        request.headers.push_back({"Sec-WebSocket-Key", kKey});
        return request;
    }

    static Request with(Request request, std::string name, std::string value) {
        request.headers.push_back({std::move(name), std::move(value)});
        return request;
    }

    void use_tokens() { policy_.verifier = &verifier_; }

    UpgradeVerdict judge(const Request& request) {
        std::optional<UpgradeVerdict> verdict;
        judge_upgrade(request, policy_, [&verdict](UpgradeVerdict given) {
            EXPECT_FALSE(verdict.has_value()) << "answered twice";
            verdict = std::move(given);
        });
        EXPECT_TRUE(verdict.has_value());
        return verdict ? std::move(*verdict) : Response{};
    }

    UpgradeAccepted accept(const Request& request) {
        UpgradeVerdict verdict = judge(request);
        if (auto* response = std::get_if<Response>(&verdict)) ADD_FAILURE() << response->body;
        auto* accepted = std::get_if<UpgradeAccepted>(&verdict);
        return accepted ? std::move(*accepted) : UpgradeAccepted{};
    }

    Response refuse(const Request& request) {
        UpgradeVerdict verdict = judge(request);
        auto* response = std::get_if<Response>(&verdict);
        EXPECT_NE(response, nullptr) << "accepted";
        return response ? std::move(*response) : Response{};
    }

    static std::string header(const Response& response, std::string_view name) {
        for (const Header& header : response.headers) {
            if (header.name == name) return header.value;
        }
        return {};
    }

    FakeVerifier verifier_;
    UpgradePolicy policy_{.allowed_origins = *OriginList::parse("*"),
                          .cors_origins = *OriginList::parse("*"),
                          .token_cookie = {}};
};

TEST_F(UpgradeTest, AcceptsAUserIdWithoutJwt) {
    const UpgradeAccepted accepted = accept(upgrade("/ws?user_id=al%20ice%2B"));
    EXPECT_EQ(accepted.identity.user_id, "al ice+");
    EXPECT_FALSE(accepted.is_versioned);
    EXPECT_EQ(accepted.response,
              std::string("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Accept: ") +
                  kAccept + "\r\n\r\n");
}

TEST_F(UpgradeTest, RefusesAMissingUserId) {
    for (const char* target : {"/ws", "/ws?user_id=", "/ws?user=alice"}) {
        const Response response = refuse(upgrade(target));
        EXPECT_EQ(response.status, 400);
        EXPECT_EQ(response.body, R"({"error":"missing user_id","reason":"missing_user_id"})");
    }
}

TEST_F(UpgradeTest, RefusesUserIdsThatCannotBe) {
    for (const std::string& user : {std::string(257, 'a'),
                                    std::string("a%00"),
                                    std::string("a%0A"),
                                    std::string("%7f"),
                                    std::string("%c2%85")}) {
        const Response response = refuse(upgrade("/ws?user_id=" + user));
        EXPECT_EQ(response.status, 400) << user;
        EXPECT_THAT(response.body, HasSubstr(R"("reason":"bad_user_id")")) << user;
    }
    EXPECT_EQ(refuse(upgrade("/ws?user_id=%ff")).status, 400);
    EXPECT_EQ(accept(upgrade("/ws?user_id=" + std::string(256, 'a'))).identity.user_id.size(),
              256U);
}

TEST_F(UpgradeTest, SaysThatATokenIsNotExpectedWithoutJwt) {
    const std::vector<Request> requests = {
        upgrade("/ws?user_id=a&token=alice"),
        upgrade("/ws?user_id=a&access_token=alice"),
        with(upgrade("/ws?user_id=a"), "Authorization", "Bearer alice"),
        with(upgrade("/ws?user_id=a"), "Sec-WebSocket-Protocol", "roomcast.bearer.alice"),
    };
    for (const Request& request : requests) {
        const Response response = refuse(request);
        EXPECT_EQ(response.status, 400);
        EXPECT_THAT(response.body, HasSubstr("without JWT"));
    }
    EXPECT_EQ(
        accept(with(upgrade("/ws?user_id=a"), "Authorization", "Basic eA==")).identity.user_id,
        "a");
}

TEST_F(UpgradeTest, RefusesAMissingToken) {
    use_tokens();
    const std::vector<Request> requests = {
        upgrade("/ws"),
        upgrade("/ws?user_id=alice"),
        upgrade("/ws?token="),
        with(upgrade("/ws"), "Authorization", "Basic alice"),
        with(upgrade("/ws"), "Authorization", "Bearer"),
        with(upgrade("/ws"), "Cookie", "session=alice"),
    };
    for (const Request& request : requests) {
        const Response response = refuse(request);
        EXPECT_EQ(response.status, 401);
        EXPECT_EQ(response.body, R"({"error":"missing token","reason":"missing_token"})");
        EXPECT_EQ(header(response, "WWW-Authenticate"), "Bearer");
        EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "*");
    }
}

TEST_F(UpgradeTest, RefusesATokenThatDoesNotVerify) {
    use_tokens();
    const Response response = refuse(upgrade("/ws?token=mallory&user_id=alice"));
    EXPECT_EQ(response.status, 401);
    EXPECT_EQ(
        response.body,
        R"({"error":"invalid token: the signature does not match","reason":"invalid_token"})");
}

TEST_F(UpgradeTest, RefusesATokenWhoseUserCannotBe) {
    use_tokens();
    for (const std::string& user :
         {std::string(), std::string("a\n"), std::string(257, 'a'), std::string("\xff")}) {
        verifier_.custom.user_id = user;
        EXPECT_EQ(refuse(upgrade("/ws?token=custom")).status, 401) << user;
    }
}

TEST_F(UpgradeTest, TakesTheTokenFromTheFirstSourceThatHasOne) {
    use_tokens();
    policy_.allowed_origins = *OriginList::parse("https://app.example.com");
    policy_.token_cookie = "session";
    Request request =
        with(upgrade("/ws?access_token=third&token=second"), "Authorization", "bEaReR  first ");
    request = with(request, "Sec-WebSocket-Protocol", "roomcast.v1, roomcast.bearer.fourth");
    request = with(request, "Cookie", "a=b; session=\"fifth\"; c=d");
    const auto seen = [&] {
        refuse(request);
        return verifier_.seen;
    };
    EXPECT_EQ(seen(), "first");
    std::erase_if(request.headers, [](const Header& h) { return h.name == "Authorization"; });
    EXPECT_EQ(seen(), "second");
    request.target = "/ws?access_token=third";
    EXPECT_EQ(seen(), "third");
    request.target = "/ws";
    EXPECT_EQ(seen(), "fourth");
    std::erase_if(request.headers, [](const Header& h) { return h.name.ends_with("Protocol"); });
    EXPECT_EQ(seen(), "fifth");
}

TEST_F(UpgradeTest, TakesNoCookieWhileEveryOriginMayConnect) {
    use_tokens();
    policy_.token_cookie = "session";
    EXPECT_THAT(refuse(with(upgrade("/ws"), "Cookie", "session=alice")).body,
                HasSubstr("missing token"));
}

TEST_F(UpgradeTest, KeepsTheQuerysUserIdOutWithJwt) {
    use_tokens();
    EXPECT_EQ(accept(upgrade("/ws?token=alice&user_id=bob")).identity.user_id, "alice");
}

TEST_F(UpgradeTest, WaitsForASlowVerifierWithoutTheRequest) {
    use_tokens();
    verifier_.is_slow = true;
    std::optional<UpgradeVerdict> verdict;
    judge_upgrade(upgrade("/ws?token=alice"), policy_, [&verdict](UpgradeVerdict given) {
        verdict = std::move(given);
    });
    EXPECT_FALSE(verdict.has_value());
    verifier_.held();
    ASSERT_TRUE(verdict.has_value());
    EXPECT_TRUE(std::holds_alternative<UpgradeAccepted>(*verdict));
}

TEST_F(UpgradeTest, NamesTheSubprotocolOnlyWhenItIsOffered) {
    const Request request = upgrade("/ws?user_id=a");
    const UpgradeAccepted versioned =
        accept(with(request, "Sec-WebSocket-Protocol", "other, roomcast.v1"));
    EXPECT_TRUE(versioned.is_versioned);
    EXPECT_THAT(versioned.response, HasSubstr("\r\nSec-WebSocket-Protocol: roomcast.v1\r\n"));
    for (const char* offer : {"other", "roomcast.v10", "ROOMCAST.V1"}) {
        const UpgradeAccepted base = accept(with(request, "Sec-WebSocket-Protocol", offer));
        EXPECT_FALSE(base.is_versioned);
        EXPECT_THAT(base.response, Not(HasSubstr("Sec-WebSocket-Protocol")));
    }
}

TEST_F(UpgradeTest, AgreesOnCompressionOnlyWhereItIsOn) {
    Request request = with(upgrade("/ws?user_id=a"), "Sec-WebSocket-Extensions", "other");
    request =
        with(request, "sec-websocket-extensions", "permessage-deflate; client_max_window_bits");
    EXPECT_EQ(accept(request).deflate_window_bits, 0);
    EXPECT_THAT(accept(request).response, Not(HasSubstr("Extensions")));
    policy_.is_deflate_on = true;
    EXPECT_EQ(accept(request).deflate_window_bits, 15);
    EXPECT_THAT(accept(request).response,
                HasSubstr("\r\nSec-WebSocket-Extensions: permessage-deflate; "
                          "server_no_context_takeover; client_no_context_takeover\r\n\r\n"));
    EXPECT_EQ(accept(upgrade("/ws?user_id=a")).deflate_window_bits, 0);
    EXPECT_THAT(accept(upgrade("/ws?user_id=a")).response, Not(HasSubstr("Extensions")));
}

TEST_F(UpgradeTest, NeverNamesTheTokenInItsAnswer) {
    use_tokens();
    const UpgradeAccepted accepted = accept(
        with(upgrade("/ws"), "Sec-WebSocket-Protocol", "roomcast.v1, roomcast.bearer.alice"));
    EXPECT_EQ(accepted.identity.user_id, "alice");
    EXPECT_THAT(accepted.response, Not(HasSubstr("alice")));
}

TEST_F(UpgradeTest, RefusesPagesOfOtherOrigins) {
    policy_.allowed_origins = *OriginList::parse("https://app.example.com");
    const Request request = upgrade("/ws?user_id=a");
    EXPECT_EQ(accept(request).identity.user_id, "a");
    EXPECT_EQ(accept(with(request, "Origin", "https://app.example.com")).identity.user_id, "a");
    for (const char* origin : {"https://evil.example",
                               "null",
                               "https://app.example.com.evil.example",
                               "http://app.example.com",
                               ""}) {
        EXPECT_EQ(refuse(with(request, "Origin", origin)).status, 403) << origin;
    }
    EXPECT_EQ(refuse(with(with(request, "Origin", "https://app.example.com"),
                          "Origin",
                          "https://app.example.com"))
                  .status,
              403);
}

TEST_F(UpgradeTest, GivesAPlainGetTheVerdictOfAnUpgrade) {
    EXPECT_EQ(refuse(plain_get("/ws")).status, 400);
    const Response response = refuse(plain_get("/ws?user_id=a"));
    EXPECT_EQ(response.status, 426);
    EXPECT_EQ(header(response, "Upgrade"), "websocket");
    EXPECT_EQ(header(response, "Sec-WebSocket-Version"), "13");
    use_tokens();
    EXPECT_EQ(refuse(plain_get("/ws?token=mallory")).status, 401);
    EXPECT_EQ(refuse(plain_get("/ws?token=alice")).status, 426);
}

TEST_F(UpgradeTest, AsksForAnUpgradeOfVersion13) {
    for (const char* missing : {"Connection", "Upgrade", "Sec-WebSocket-Version"}) {
        Request request = upgrade("/ws?user_id=a");
        std::erase_if(request.headers, [missing](const Header& h) { return h.name == missing; });
        EXPECT_EQ(refuse(request).status, 426) << missing;
    }
    Request request = upgrade("/ws?user_id=a");
    request.headers[3].value = "8";
    EXPECT_EQ(refuse(request).status, 426);
    request = upgrade("/ws?user_id=a");
    request.is_http_1_0 = true;
    EXPECT_EQ(refuse(request).status, 426);
}

TEST_F(UpgradeTest, RefusesABadKey) {
    for (const char* key : {"", "short", "dGhlIHNhbXBsZSBub25jZQ=", "!GhlIHNhbXBsZSBub25jZQ=="}) {
        Request request = upgrade("/ws?user_id=a");
        request.headers.back().value = key;
        EXPECT_EQ(refuse(request).status, 400) << key;
    }
    EXPECT_EQ(refuse(with(upgrade("/ws?user_id=a"), "Sec-WebSocket-Key", kKey)).status, 400);
}

TEST_F(UpgradeTest, KnowsGetAndOptionsAlone) {
    for (const char* method : {"POST", "HEAD", "PUT", "get"}) {
        Request request = upgrade("/ws?user_id=a");
        request.method = method;
        const Response response = refuse(request);
        EXPECT_EQ(response.status, 405) << method;
        EXPECT_EQ(header(response, "Allow"), "GET, OPTIONS");
    }
    Request request = plain_get("/ws");
    request.method = "OPTIONS";
    EXPECT_EQ(refuse(request).status, 204);
}

}  // namespace
}  // namespace roomcast::http

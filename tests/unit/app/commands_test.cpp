// SPDX-License-Identifier: Apache-2.0
#include "app/commands.hpp"

#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/jwt.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/app/settings_fixture.hpp"

namespace roomcast {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class CommandsTest : public SettingsTest {
protected:
    int run(const std::vector<const char*>& words) {
        out_.str("");
        error_.str("");
        call_.reset();
        return run_command({.arguments = words,
                            .environment = environ_block(),
                            .read_file = file_reader(),
                            .call_http =
                                [this](const HttpCall& call) {
                                    call_ = call;
                                    return answer_;
                                },
                            .clock = clock_,
                            .out = out_,
                            .error = error_,
                            .version = "1.2.3",
                            .serve =
                                [this](LoadedSettings loaded) {
                                    served_ = std::move(loaded);
                                    return 42;
                                }});
    }

    ManualClock clock_;
    std::ostringstream out_;
    std::ostringstream error_;
    std::optional<HttpCall> call_;
    Outcome<HttpAnswer, std::string> answer_ = HttpAnswer{200, R"({"status":"ok"})"};
    std::optional<LoadedSettings> served_;
};

TEST_F(CommandsTest, ServesWithTheSettingsAndGivesItsStatus) {
    EXPECT_EQ(run({"--shards", "3"}), 42);
    ASSERT_TRUE(served_);
    EXPECT_EQ(served_->settings.shards, 3);
}

TEST_F(CommandsTest, ABadSettingEndsEveryCommandWith78AndOneLine) {
    environment_ = {{"SHARDS", "many"}};
    for (const char* command : {"serve", "check-config", "config", "token", "health"}) {
        EXPECT_EQ(run({command}), 78) << command;
        EXPECT_EQ(
            error_.str(),
            "roomcast: SHARDS=\"many\" (environment): allowed: a whole number from 1 to 64\n");
        EXPECT_THAT(out_.str(), IsEmpty());
    }
    EXPECT_FALSE(served_);
}

TEST_F(CommandsTest, HelpVersionAndTheReferencePageNeedNoGoodSettings) {
    environment_ = {{"SHARDS", "many"}};
    EXPECT_EQ(run({"--help"}), 0);
    EXPECT_THAT(out_.str(), HasSubstr("Usage: roomcast"));
    EXPECT_EQ(run({"version"}), 0);
    EXPECT_EQ(out_.str(), "roomcast 1.2.3\n");
    EXPECT_EQ(run({"config", "--markdown"}), 0);
    EXPECT_THAT(out_.str(), StartsWith("# Settings\n"));
}

TEST_F(CommandsTest, AUsageErrorIsOneLine) {
    EXPECT_EQ(run({"serv"}), 64);
    EXPECT_EQ(error_.str(), "roomcast: \"serv\" is no command; roomcast --help lists them all\n");
}

TEST_F(CommandsTest, CheckConfigPrintsWarnings) {
    EXPECT_EQ(run({"check-config"}), 0);
    EXPECT_EQ(out_.str(), "the settings are good\n");
    EXPECT_THAT(error_.str(), HasSubstr("roomcast: warning: SERVER_ADDR :8080 is reachable"));
}

TEST_F(CommandsTest, ConfigPrintsMaskedSettings) {
    environment_ = {{"JWT_SECRET", kSecret}};
    EXPECT_EQ(run({"config"}), 0);
    EXPECT_THAT(out_.str(), HasSubstr("JWT_SECRET"));
    EXPECT_THAT(out_.str(), Not(HasSubstr(kSecret)));
}

TEST_F(CommandsTest, ATokenIsTakenByTheServersOwnRules) {
    environment_ = {{"JWT_SECRET", kSecret},
                    {"JWT_AUDIENCE", "app"},
                    {"JWT_ISSUER", "me"},
                    {"JWT_USER_CLAIM", "uid"}};
    ASSERT_EQ(run({"token",
                   "--user",
                   "alice",
                   "--ttl",
                   "60",
                   "--role",
                   "service",
                   "--channels",
                   R"({"room:*":["subscribe"]})"}),
              0)
        << error_.str();
    std::string token = out_.str();
    ASSERT_TRUE(token.ends_with('\n'));
    token.pop_back();
    const JwtSettings jwt = load_well().settings.jwt;
    const JwtResult verified = verify_jwt(token, jwt.key_set(), jwt.rules, clock_.wall_ms());
    ASSERT_TRUE(verified) << verified.error().reason;
    EXPECT_EQ(verified->user_id, "alice");
    EXPECT_EQ(verified->role, "service");
    EXPECT_EQ(verified->expires_at, clock_.wall_ms() / 1'000 + 60);
    EXPECT_TRUE(verified->rights.allow(Right::subscribe, "room:1"));
    EXPECT_FALSE(verified->rights.allow(Right::publish, "room:1"));
}

TEST_F(CommandsTest, ATokenNeedsASecretAndAUser) {
    EXPECT_EQ(run({"token", "--user", "alice"}), 78);
    EXPECT_THAT(error_.str(), HasSubstr("JWT_SECRET is not set"));
    environment_ = {{"JWT_SECRET", kSecret}};
    EXPECT_EQ(run({"token"}), 64);
    EXPECT_EQ(run({"token", "--user", "a\nb"}), 64);
    EXPECT_EQ(run({"token", "--user", "a", "--ttl", "0"}), 64);
    EXPECT_EQ(run({"token", "--user", "a", "--role", "king"}), 64);
    environment_["JWT_ALGORITHMS"] = "HS512";
    EXPECT_EQ(run({"token", "--user", "a"}), 78);
}

TEST_F(CommandsTest, RightsOfATokenAreOneJsonValueThatGrantsSomething) {
    environment_ = {{"JWT_SECRET", kSecret}};
    for (const char* channels :
         {"{", "[]", R"({"a":["fly"]})", R"({"a*b":["publish"]})", R"({},"role":"admin")"}) {
        EXPECT_EQ(run({"token", "--user", "a", "--channels", channels}), 64) << channels;
        EXPECT_THAT(error_.str(), HasSubstr("--channels needs JSON"));
        EXPECT_THAT(out_.str(), IsEmpty());
    }
}

TEST_F(CommandsTest, PublishesToTheServerThatTheSettingsDescribe) {
    environment_ = {{"SERVER_ADDR", ":9000"}, {"API_KEYS", "ci:s3cret:service,b:other"}};
    EXPECT_EQ(run({"publish", "room \"1\"", "hello", R"({"n": 12345678901234567890})"}), 0);
    ASSERT_TRUE(call_);
    EXPECT_EQ(call_->method, "POST");
    EXPECT_EQ(call_->url, "http://127.0.0.1:9000/api/event");
    EXPECT_EQ(call_->bearer, "s3cret");
    EXPECT_TRUE(call_->is_own_server);
    EXPECT_EQ(call_->body,
              R"({"channel":"room \"1\"","event":"hello","payload":{"n": 12345678901234567890}})");
    EXPECT_EQ(out_.str(), "{\"status\":\"ok\"}\n");
}

TEST_F(CommandsTest, NeverSendsAKeyOfTheSettingsToAnotherServer) {
    environment_ = {{"API_KEYS", "ci:s3cret"}};
    EXPECT_EQ(run({"publish", "a", "b", "1", "--url", "https://other.example/"}), 0);
    EXPECT_EQ(call_->url, "https://other.example/api/event");
    EXPECT_EQ(call_->bearer, "");
    EXPECT_FALSE(call_->is_own_server);
    EXPECT_EQ(run({"publish", "a", "b", "1", "--url", "https://other.example", "--key", "k"}), 0);
    EXPECT_EQ(call_->bearer, "k");
}

TEST_F(CommandsTest, RefusesAPayloadThatIsNotOneJsonValue) {
    for (const char* payload : {"hello", "", "{", "1 2", R"(1,"channel":"other")"}) {
        EXPECT_EQ(run({"publish", "a", "b", payload}), 64) << payload;
        EXPECT_FALSE(call_);
    }
}

TEST_F(CommandsTest, PublishFailsWithTheServersReason) {
    answer_ = HttpAnswer{401, R"({"error":"key needed"})"};
    EXPECT_EQ(run({"publish", "a", "b", "1"}), 1);
    EXPECT_THAT(out_.str(), HasSubstr("key needed"));
    EXPECT_EQ(error_.str(), "roomcast: refused with status 401\n");
    answer_ = {boost::system::in_place_error, "http://127.0.0.1:8080: cannot connect"};
    EXPECT_EQ(run({"publish", "a", "b", "1"}), 1);
    EXPECT_EQ(error_.str(), "roomcast: http://127.0.0.1:8080: cannot connect\n");
}

TEST_F(CommandsTest, HealthAsksTheListenerThatAnswersIt) {
    struct Row {
        Variables environment;
        std::string url;
    };

    for (const Row& row : {
             Row{{}, "http://127.0.0.1:8080/readyz"},
             Row{{{"SERVER_ADDR", "0.0.0.0:1"}}, "http://127.0.0.1:1/readyz"},
             Row{{{"SERVER_ADDR", "[::]:1"}}, "http://[::1]:1/readyz"},
             Row{{{"SERVER_ADDR", "10.0.0.1:1"}}, "http://10.0.0.1:1/readyz"},
             Row{{{"TLS_CERT_FILE", "/c"}, {"TLS_KEY_FILE", "/k"}},
                 "https://127.0.0.1:8080/readyz"},
             Row{{{"TLS_CERT_FILE", "/c"}, {"TLS_KEY_FILE", "/k"}, {"METRICS_ADDR", ":2"}},
                 "http://127.0.0.1:2/readyz"},
         }) {
        environment_ = row.environment;
        EXPECT_EQ(run({"health"}), 0);
        EXPECT_EQ(call_->method, "GET");
        EXPECT_EQ(call_->url, row.url);
    }
    EXPECT_EQ(run({"health", "--url", "http://a:1"}), 0);
    EXPECT_EQ(call_->url, "http://a:1/readyz");
}

TEST_F(CommandsTest, HealthFailsUnlessTheServerIsReady) {
    answer_ = HttpAnswer{503, "draining\n"};
    EXPECT_EQ(run({"health"}), 1);
    EXPECT_EQ(error_.str(), "roomcast: not ready: status 503 draining\\n\n");
    answer_ = {boost::system::in_place_error, "no answer in time"};
    EXPECT_EQ(run({"health"}), 1);
}

TEST_F(CommandsTest, CallsNeedAUrlWhereThePortIsNotKnown) {
    environment_ = {{"SERVER_ADDR", ":0"}};
    EXPECT_EQ(run({"health"}), 64);
    EXPECT_EQ(run({"publish", "a", "b", "1", "--url", "nonsense"}), 64);
    EXPECT_FALSE(call_);
}

}  // namespace
}  // namespace roomcast

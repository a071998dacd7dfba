// SPDX-License-Identifier: Apache-2.0
#include "auth/claims.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kNow = 1'700'000'000;  // Unix seconds

class ClaimsTest : public testing::Test {
protected:
    VerifyResult read(const std::string& json) const {
        return read_claims(json, rules_, kNow * 1'000);
    }

    /// The refusal of a token that names a user and has these further claims.
    std::string refusal(const std::string& further) const {
        const VerifyResult result = read(R"({"sub":"alice",)" + further + "}");
        return result ? "taken" : result.error();
    }

    bool takes(const std::string& further) const { return refusal(further) == "taken"; }

    ClaimRules rules_;
};

TEST_F(ClaimsTest, SubjectAloneIsAUserWithAllRightsForEver) {
    const VerifyResult result = read(R"({"sub":"alice"})");
    ASSERT_TRUE(result);
    EXPECT_EQ(result->user_id, "alice");
    EXPECT_EQ(result->expires_at, std::nullopt);
    EXPECT_EQ(result->issued_at, kNow);
    EXPECT_EQ(result->role, "");
    EXPECT_TRUE(result->rights.allow(Right::publish, "any"));
}

TEST_F(ClaimsTest, DatesAndRoleAreHandedOn) {
    const VerifyResult result =
        read(R"({"sub":"a","exp":1700000600,"iat":1699999000,"role":"service"})");
    ASSERT_TRUE(result);
    EXPECT_EQ(result->expires_at, 1'700'000'600);
    EXPECT_EQ(result->issued_at, 1'699'999'000);
    EXPECT_EQ(result->role, "service");
}

TEST_F(ClaimsTest, TokenEndsAtExpPlusLeeway) {
    EXPECT_TRUE(takes(R"("exp":1700000001)"));
    EXPECT_TRUE(takes(R"("exp":1699999996)"));
    EXPECT_EQ(refusal(R"("exp":1699999995)"), "token is expired");
    rules_.leeway = std::chrono::seconds(0);
    EXPECT_EQ(refusal(R"("exp":1700000000)"), "token is expired");
}

TEST_F(ClaimsTest, TokenBeginsAtNbfLessLeeway) {
    EXPECT_TRUE(takes(R"("nbf":1700000005)"));
    EXPECT_EQ(refusal(R"("nbf":1700000006)"), "token is not valid yet");
    EXPECT_EQ(refusal(R"("nbf":1700000005.5)"), "token is not valid yet");
}

TEST_F(ClaimsTest, DatesMayBeFractionsOrHaveExponents) {
    const VerifyResult result = read(R"({"sub":"a","exp":1700000600.75,"iat":1.7e9})");
    ASSERT_TRUE(result);
    EXPECT_EQ(result->expires_at, 1'700'000'600);
    EXPECT_EQ(result->issued_at, 1'700'000'000);
}

TEST_F(ClaimsTest, HugeDatesMeanNeverAndOverflowNothing) {
    for (const char* exp : {"1e300", "9223372036854775807", "99999999999999999999999999"}) {
        const VerifyResult result = read(R"({"sub":"a","exp":)" + std::string(exp) + "}");
        ASSERT_TRUE(result) << exp;
        EXPECT_EQ(result->expires_at, 253'402'300'799) << exp;
        EXPECT_EQ(refusal(R"("nbf":)" + std::string(exp)), "token is not valid yet");
    }
    EXPECT_EQ(refusal(R"("exp":-1e300)"), "token is expired");
    EXPECT_EQ(refusal(R"("exp":0)"), "token is expired");
    EXPECT_FALSE(takes(R"("exp":1e999)"));
}

TEST_F(ClaimsTest, DatesOfAnotherTypeAreRefused) {
    for (const std::string name : {"exp", "nbf", "iat"}) {
        for (const std::string value :
             {R"("1800000000")", "null", "true", "[1800000000]", "{}", R"("")"}) {
            EXPECT_EQ(refusal('"' + name + "\":" + value), "claim " + name + " is not a number");
        }
    }
}

TEST_F(ClaimsTest, AudienceIsCheckedWhenConfigured) {
    EXPECT_TRUE(takes(R"("aud":"anyone")"));
    rules_.audience = "chat";
    EXPECT_TRUE(takes(R"("aud":"chat")"));
    EXPECT_TRUE(takes(R"("aud":["mail","chat"])"));
    for (const std::string claim : {R"("aud":"Chat")",
                                    R"("aud":"chat2")",
                                    R"("aud":[])",
                                    R"("aud":["mail"])",
                                    R"("aud":["chat",1])",
                                    R"("aud":[["chat"]])",
                                    R"("aud":{"chat":true})",
                                    R"("aud":null)",
                                    R"("x":1)"}) {
        EXPECT_EQ(refusal(claim), "token is for another audience") << claim;
    }
}

TEST_F(ClaimsTest, IssuerIsCheckedWhenConfigured) {
    EXPECT_TRUE(takes(R"("iss":"anyone")"));
    rules_.issuer = "https://id.example/";
    EXPECT_TRUE(takes(R"("iss":"https://id.example/")"));
    EXPECT_TRUE(takes(R"("iss":"https:\/\/id.example\/")"));
    for (const std::string claim : {R"("iss":"https://id.example")",
                                    R"("iss":["https://id.example/"])",
                                    R"("iss":"")",
                                    R"("x":1)"}) {
        EXPECT_EQ(refusal(claim), "token is from another issuer") << claim;
    }
}

TEST_F(ClaimsTest, UserIsTheConfiguredClaimElseUserIdElseSubject) {
    rules_.user_claim = "email";
    EXPECT_EQ(read(R"({"sub":"s","user_id":"u","email":"e"})")->user_id, "e");
    EXPECT_EQ(read(R"({"sub":"s","user_id":"u"})")->user_id, "u");
    EXPECT_EQ(read(R"({"sub":"s"})")->user_id, "s");
    EXPECT_EQ(read(R"({"sub":"s","user_id":"","email":7})")->user_id, "s");
    rules_.user_claim = "sub";
    EXPECT_EQ(read(R"({"sub":"s","user_id":"u"})")->user_id, "s");
    EXPECT_EQ(read(R"({"user_id":"u"})")->user_id, "u");
}

TEST_F(ClaimsTest, TokenWithoutAUserIsRefused) {
    for (const char* claims :
         {"{}", R"({"sub":""})", R"({"sub":7})", R"({"sub":null})", R"({"sub":["a"]})"}) {
        const VerifyResult result = read(claims);
        ASSERT_FALSE(result) << claims;
        EXPECT_EQ(result.error(), "no claim holds a user id");
    }
}

TEST_F(ClaimsTest, UserIdsThatSpoilLogsOrKeysAreRefused) {
    EXPECT_TRUE(read(R"({"sub":")" + std::string(256, 'x') + R"("})"));
    EXPECT_THAT(read(R"({"sub":")" + std::string(257, 'x') + R"("})").error(),
                HasSubstr("256 bytes"));
    for (const char* text : {R"(a\nb)", R"(\u0000)", R"(a\u001b[2J)", R"(\u007f)", R"(\u0085)"}) {
        EXPECT_THAT(read(R"({"sub":")" + std::string(text) + R"("})").error(),
                    HasSubstr("control characters"))
            << text;
    }
    EXPECT_EQ(read(R"({"sub":"J\u00e9r\u00f4me \u00a0"})")->user_id, "Jérôme \u00a0");
}

TEST_F(ClaimsTest, LastOfRepeatedClaimsCountsForEveryCheck) {
    EXPECT_EQ(read(R"({"sub":"first","sub":"last"})")->user_id, "last");
    EXPECT_EQ(read(R"({"sub":"first","s\u0075b":"last"})")->user_id, "last");
    EXPECT_EQ(refusal(R"("exp":1800000000,"exp":1)"), "token is expired");
    EXPECT_TRUE(takes(R"("exp":1,"exp":1800000000)"));
    EXPECT_EQ(refusal(R"("channels":{},"channels":7)"), "claim channels is malformed");
}

TEST_F(ClaimsTest, RoleOfAnotherTypeIsNoRole) {
    EXPECT_EQ(read(R"({"sub":"a","role":["service"]})")->role, "");
    EXPECT_EQ(read(R"({"sub":"a","role":null})")->role, "");
}

TEST_F(ClaimsTest, ChannelsGiveRightsByPattern) {
    const VerifyResult result = read(
        R"({"sub":"a","channels":{"room:*":["subscribe"],"room:1":["publish","presence"],"n":[]}})");
    ASSERT_TRUE(result);
    const Rights& rights = result->rights;
    EXPECT_TRUE(rights.allow(Right::subscribe, "room:1"));
    EXPECT_TRUE(rights.allow(Right::publish, "room:1"));
    EXPECT_TRUE(rights.allow(Right::presence, "room:1"));
    EXPECT_TRUE(rights.allow(Right::subscribe, "room:"));
    EXPECT_FALSE(rights.allow(Right::publish, "room:2"));
    EXPECT_FALSE(rights.allow(Right::subscribe, "roo"));
    EXPECT_FALSE(rights.allow(Right::subscribe, "n"));
}

TEST_F(ClaimsTest, EmptyChannelsGiveNoRights) {
    const VerifyResult result = read(R"({"sub":"a","channels":{}})");
    ASSERT_TRUE(result);
    EXPECT_FALSE(result->rights.allow(Right::subscribe, "any"));
}

TEST_F(ClaimsTest, LastOfRepeatedPatternsCounts) {
    const VerifyResult result =
        read(R"({"sub":"a","channels":{"r":["publish","subscribe"],"r":["subscribe"]}})");
    ASSERT_TRUE(result);
    EXPECT_FALSE(result->rights.allow(Right::publish, "r"));
}

TEST_F(ClaimsTest, MalformedChannelsNeverBecomeRights) {
    for (const std::string value : {"null",
                                    "true",
                                    "[]",
                                    R"("room")",
                                    R"(["room"])",
                                    R"({"room":"subscribe"})",
                                    R"({"room":null})",
                                    R"({"room":{"subscribe":true}})",
                                    R"({"room":["write"]})",
                                    R"({"room":["Subscribe"]})",
                                    R"({"room":["subscribe",1]})",
                                    R"({"":["subscribe"]})",
                                    R"({"a*b":["subscribe"]})",
                                    R"({"**":["subscribe"]})"}) {
        EXPECT_EQ(refusal("\"channels\":" + value), "claim channels is malformed") << value;
    }
    EXPECT_FALSE(takes(R"("channels":{")" + std::string(257, 'x') + R"(":["subscribe"]})"));
    EXPECT_TRUE(takes(R"("channels":{")" + std::string(256, 'x') + R"(*":["subscribe"]})"));
    EXPECT_TRUE(takes(R"("channels":{"*":["subscribe"]})"));
}

TEST_F(ClaimsTest, ClaimsThatAreNoJsonObjectAreRefused) {
    for (const char* text : {"", "[]", "null", R"("sub")", R"({"sub":"a"}x)", R"({"sub":"a",})"}) {
        const VerifyResult result = read(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error(), "claims are not a JSON object");
    }
    EXPECT_FALSE(read("{\"sub\":\"\xff\"}"));
}

}  // namespace
}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "auth/jwks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/key_set.hpp"
#include "tests/support/token_maker.hpp"

namespace roomcast {
namespace {

using test::jwks_document;
using test::SigningKey;

/// The keys of a document, and how many it skipped.
Jwks read(const std::string& document) {
    auto jwks = parse_jwks(document);
    EXPECT_TRUE(jwks) << document;
    return std::move(*jwks);
}

TEST(JwksTest, ReadsTheThreeKindsOfKeys) {
    const SigningKey rsa = SigningKey::rsa();
    const SigningKey ec = SigningKey::ec();
    const SigningKey ed25519 = SigningKey::ed25519();
    const Jwks jwks = read(jwks_document({rsa.jwk(R"("kid":"r","use":"sig","alg":"RS256",)"),
                                          ec.jwk(R"("kid":"e","key_ops":["sign","verify"],)"),
                                          ed25519.jwk(R"("kid":"d","alg":"EdDSA",)")}));
    ASSERT_EQ(jwks.keys.size(), 3U);
    EXPECT_EQ(jwks.skipped, 0U);
    EXPECT_EQ(jwks.keys[0].id(), "r");
    EXPECT_TRUE(jwks.keys[0].verify(Algorithm::rs256, "text", rsa.sign("text")));
    EXPECT_TRUE(jwks.keys[1].verify(Algorithm::es256, "text", ec.sign("text")));
    EXPECT_TRUE(jwks.keys[2].verify(Algorithm::eddsa, "text", ed25519.sign("text")));
}

TEST(JwksTest, KeysOfTheRfcsVerifyTheirSignatures) {
    // RFC 8037 appendix A.
    const Jwks jwks = read(jwks_document(
        {R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"}));
    ASSERT_EQ(jwks.keys.size(), 1U);
    EXPECT_TRUE(jwks.keys[0].verify(
        Algorithm::eddsa,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        *decode_base64url("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7"
                          "sVvpAr_MuM0KAg")));
}

TEST(JwksTest, UnusableKeysAreSkippedAndSpoilNoOthers) {
    const SigningKey rsa = SigningKey::rsa();
    const SigningKey ec = SigningKey::ec();
    const std::vector<std::string> unusable = {
        rsa.jwk(R"("use":"enc",)"),
        rsa.jwk(R"("use":1,)"),
        rsa.jwk(R"("key_ops":["encrypt"],)"),
        rsa.jwk(R"("key_ops":"verify",)"),
        rsa.jwk(R"("alg":"PS256",)"),
        rsa.jwk(R"("alg":"HS256",)"),
        ec.jwk(R"("alg":"RS256",)"),
        rsa.jwk(R"("kid":7,)"),
        SigningKey::rsa(1'024).jwk(),
        R"({"kty":"oct","k":"c2VjcmV0"})",
        R"({"kty":"RSA","e":"AQAB"})",
        R"({"kty":"RSA","n":"====","e":"AQAB"})",
        R"({"kty":"EC","crv":"P-384","x":"AA","y":"AA"})",
        R"({"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
        R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})",
        // Not a point of the curve. NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one key
        R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
        R"("y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})",
        R"({})",
        R"("a string")",
        R"([])",
        R"(null)",
    };
    std::vector<std::string> all = unusable;
    all.push_back(ec.jwk(R"("kid":"good",)"));
    const Jwks jwks = read(jwks_document({}).substr(0, 9) + [&all] {
        std::string keys;
        for (const std::string& jwk : all)
            keys += (keys.empty() ? "" : ",") + jwk;
        return keys + "]}";
    }());
    ASSERT_EQ(jwks.keys.size(), 1U);
    EXPECT_EQ(jwks.keys[0].id(), "good");
    EXPECT_EQ(jwks.skipped, unusable.size());
}

TEST(JwksTest, ExponentThatMakesEverySignatureGoodIsRefused) {
    std::string jwk = SigningKey::rsa().jwk();
    jwk.replace(jwk.find("AQAB"), 4, "AQ");
    EXPECT_TRUE(read(jwks_document({jwk})).keys.empty());
}

TEST(JwksTest, KeysBeyondTheLimitAreSkipped) {
    const std::string jwk = SigningKey::ed25519().jwk();
    const Jwks jwks = read(jwks_document(std::vector<std::string>(kMaxJwksKeys + 3, jwk)));
    EXPECT_EQ(jwks.keys.size(), kMaxJwksKeys);
    EXPECT_EQ(jwks.skipped, 3U);
}

TEST(JwksTest, DocumentWithoutKeysIsAnError) {
    for (const char* document : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[)", "<html>"}) {
        EXPECT_FALSE(parse_jwks(document)) << document;
    }
    EXPECT_TRUE(parse_jwks(R"({"keys":[]})"));
}

class KeySetTest : public testing::Test {
protected:
    KeySet set_of(const std::vector<std::string>& jwks) {
        return KeySet(read(jwks_document(jwks)).keys);
    }

    const SigningKey first_ = SigningKey::ed25519();
    const SigningKey second_ = SigningKey::ed25519();
    const std::string by_first_ = first_.sign("text");
    const std::string by_second_ = second_.sign("text");
};

TEST_F(KeySetTest, KeyIdChoosesTheKey) {
    const KeySet keys = set_of({first_.jwk(R"("kid":"1",)"), second_.jwk(R"("kid":"2",)")});
    EXPECT_EQ(keys.check(Algorithm::eddsa, "1", "text", by_first_), KeySet::Match::verified);
    EXPECT_EQ(keys.check(Algorithm::eddsa, "2", "text", by_second_), KeySet::Match::verified);
    EXPECT_EQ(keys.check(Algorithm::eddsa, "2", "text", by_first_), KeySet::Match::mismatch);
    EXPECT_EQ(keys.check(Algorithm::eddsa, "3", "text", by_first_), KeySet::Match::unknown);
}

TEST_F(KeySetTest, WithoutAKeyIdEveryKeyOfTheKindIsTried) {
    const KeySet keys = set_of({first_.jwk(R"("kid":"1",)"), second_.jwk()});
    EXPECT_EQ(keys.check(Algorithm::eddsa, "", "text", by_second_), KeySet::Match::verified);
    EXPECT_EQ(keys.check(Algorithm::eddsa, "", "texT", by_second_), KeySet::Match::mismatch);
}

TEST_F(KeySetTest, KeyWithoutAnIdIsTriedForEveryId) {
    const KeySet keys = set_of({first_.jwk()});
    EXPECT_EQ(keys.check(Algorithm::eddsa, "x", "text", by_first_), KeySet::Match::verified);
    EXPECT_EQ(keys.check(Algorithm::eddsa, "x", "text", by_second_), KeySet::Match::unknown);
}

TEST_F(KeySetTest, SetWithoutAKeyOfTheKindDoesNotKnow) {
    EXPECT_EQ(KeySet().check(Algorithm::eddsa, "", "text", by_first_), KeySet::Match::unknown);
    EXPECT_EQ(set_of({first_.jwk()}).check(Algorithm::rs256, "", "text", by_first_),
              KeySet::Match::unknown);
}

TEST_F(KeySetTest, SecretIgnoresTheKeyIdAndIsNeverUnknown) {
    const KeySet keys({VerificationKey::from_secret("s")});
    const std::string mac = hmac_signature(Algorithm::hs256, "s", "text");
    EXPECT_EQ(keys.check(Algorithm::hs256, "any", "text", mac), KeySet::Match::verified);
    EXPECT_EQ(keys.check(Algorithm::hs256, "any", "texT", mac), KeySet::Match::mismatch);
}

}  // namespace
}  // namespace roomcast

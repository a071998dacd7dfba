// SPDX-License-Identifier: Apache-2.0
#include "auth/jwt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "auth/base64url.hpp"
#include "auth/jwks.hpp"
#include "tests/support/token_maker.hpp"

namespace roomcast {
namespace {

using test::hmac_token;
using test::SigningKey;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kNowMs = 1'700'000'000'000;
constexpr std::int64_t kRfcNowMs = 1'300'819'000'000;  // when the tokens of RFC 7515 were good
const std::string kSecret = "the secret of all these tests, 32+";
const std::string kHs256 = R"({"alg":"HS256","typ":"JWT"})";
const std::string kAlice = R"({"sub":"alice"})";

KeySet secrets(const std::vector<std::string>& texts) {
    std::vector<VerificationKey> keys;
    for (const std::string& text : texts)
        keys.push_back(VerificationKey::from_secret(text));
    return KeySet(std::move(keys));
}

KeySet pem_keys(const std::string& pem) {
    auto keys = read_pem_keys(pem);
    EXPECT_TRUE(keys);
    return KeySet(std::move(*keys));
}

/// The user whom the token names, or why it is refused.
std::string outcome(std::string_view token, const KeySet& keys, const JwtRules& rules = {}) {
    const JwtResult result = verify_jwt(token, keys, rules, kNowMs);
    return result ? result->user_id : result.error().reason;
}

TEST(JwtTest, TakesTheHs256TokenOfRfc7515) {
    JwtRules rules;
    rules.claims.user_claim = "iss";
    const auto secret = decode_base64url(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
    const std::string token =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn"
        "VlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const JwtResult result = verify_jwt(token, secrets({*secret}), rules, kRfcNowMs);
    ASSERT_TRUE(result) << result.error().reason;
    EXPECT_EQ(result->user_id, "joe");
    EXPECT_EQ(result->expires_at, 1'300'819'380);
    EXPECT_EQ(outcome(token, secrets({*secret}), rules), "token is expired");
}

TEST(JwtTest, TakesTheRs256AndEs256TokensOfRfc7515) {
    JwtRules rules;
    rules.claims.user_claim = "iss";
    const std::string claims =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn"
        "VlfQ";
    const auto jwks = parse_jwks(test::jwks_document(
        {R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw)"
         R"(-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_)"
         R"(7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZl)"
         R"(xvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb)"
         R"(54h4FRWyuXpoQ","e":"AQAB"})",
         R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
         R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})"}));
    ASSERT_TRUE(jwks);
    const KeySet keys(jwks->keys);
    ASSERT_EQ(keys.size(), 2U);
    const std::string rs256 =
        "eyJhbGciOiJSUzI1NiJ9." + claims +
        ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2"
        "Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQ"
        "BMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6Ie"
        "YI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    const std::string es256 =
        "eyJhbGciOiJFUzI1NiJ9." + claims +
        ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    for (const std::string& token : {rs256, es256}) {
        const JwtResult result = verify_jwt(token, keys, rules, kRfcNowMs);
        ASSERT_TRUE(result) << result.error().reason;
        EXPECT_EQ(result->user_id, "joe");
    }
}

TEST(JwtTest, TakesTokensOfEveryAlgorithmByTheirOwnKey) {
    const SigningKey rsa = SigningKey::rsa();
    const SigningKey ec = SigningKey::ec();
    const SigningKey ed25519 = SigningKey::ed25519();
    const KeySet keys = pem_keys(rsa.public_pem() + ec.public_pem() + ed25519.public_pem());
    EXPECT_EQ(outcome(rsa.token(R"({"alg":"RS256"})", kAlice), keys), "alice");
    EXPECT_EQ(outcome(ec.token(R"({"alg":"ES256"})", kAlice), keys), "alice");
    EXPECT_EQ(outcome(ed25519.token(R"({"alg":"EdDSA"})", kAlice), keys), "alice");
    EXPECT_EQ(outcome(rsa.token(R"({"alg":"RS256","kid":"any"})", kAlice), keys), "alice");
    EXPECT_EQ(outcome(SigningKey::ec().token(R"({"alg":"ES256"})", kAlice), keys),
              "signature does not match");
}

TEST(JwtTest, LongHmacsNeedToBeNamed) {
    JwtRules rules;
    const std::string hs384 = hmac_token(R"({"alg":"HS384"})", kAlice, kSecret, EVP_sha384());
    const std::string hs512 = hmac_token(R"({"alg":"HS512"})", kAlice, kSecret, EVP_sha512());
    EXPECT_EQ(outcome(hs384, secrets({kSecret}), rules), "its algorithm is not allowed");
    EXPECT_EQ(outcome(hs512, secrets({kSecret}), rules), "its algorithm is not allowed");
    rules.algorithms = {Algorithm::hs384, Algorithm::hs512};
    EXPECT_EQ(outcome(hs384, secrets({kSecret}), rules), "alice");
    EXPECT_EQ(outcome(hs512, secrets({kSecret}), rules), "alice");
    EXPECT_EQ(outcome(hmac_token(kHs256, kAlice, kSecret), secrets({kSecret}), rules),
              "its algorithm is not allowed");
}

TEST(JwtTest, EverySecretOfARotationIsTaken) {
    const KeySet keys = secrets({"new secret", "old secret"});
    EXPECT_EQ(outcome(hmac_token(kHs256, kAlice, "new secret"), keys), "alice");
    EXPECT_EQ(outcome(hmac_token(kHs256, kAlice, "old secret"), keys), "alice");
    EXPECT_EQ(outcome(hmac_token(kHs256, kAlice, "older secret"), keys),
              "signature does not match");
}

TEST(JwtTest, UnsignedTokensAreRefused) {
    for (const std::string header : {R"({"alg":"none"})",
                                     R"({"alg":"None"})",
                                     R"({"alg":"nOnE"})",
                                     R"({"alg":""})",
                                     R"({"alg":null})",
                                     R"({"alg":["HS256"]})",
                                     R"({"typ":"JWT"})"}) {
        const std::string text = encode_base64url(header) + "." + encode_base64url(kAlice) + ".";
        EXPECT_EQ(outcome(text, secrets({kSecret})), "its algorithm is not allowed") << header;
        EXPECT_EQ(outcome(hmac_token(header, kAlice, kSecret), secrets({kSecret})),
                  "its algorithm is not allowed")
            << header;
    }
}

TEST(JwtTest, PublicKeyIsNeverTakenForASecret) {
    const SigningKey rsa = SigningKey::rsa();
    const std::string pem = rsa.public_pem();
    // What a library without typed keys falls for: the public key's text as an HMAC secret.
    EXPECT_EQ(outcome(hmac_token(kHs256, kAlice, pem), pem_keys(pem)),
              "no known key made its signature");
    const KeySet both({pem_keys(pem).keys().front(), VerificationKey::from_secret(kSecret)});
    EXPECT_EQ(outcome(hmac_token(kHs256, kAlice, pem), both), "signature does not match");
    EXPECT_EQ(outcome(hmac_token(R"({"alg":"RS256"})", kAlice, kSecret), both),
              "signature does not match");
    EXPECT_EQ(outcome(rsa.token(kHs256, kAlice), both), "signature does not match");
    EXPECT_EQ(outcome(rsa.token(R"({"alg":"ES256"})", kAlice), both),
              "no known key made its signature");
}

TEST(JwtTest, KeyInTheTokenItselfIsIgnored) {
    const SigningKey attacker = SigningKey::ec();
    const std::string header = R"({"alg":"ES256","jwk":)" + attacker.jwk() + "}";
    EXPECT_EQ(outcome(attacker.token(header, kAlice), pem_keys(SigningKey::ec().public_pem())),
              "signature does not match");
}

TEST(JwtTest, CriticalExtensionsAreRefused) {
    for (const std::string header : {R"({"alg":"HS256","crit":["exp"]})",
                                     R"({"alg":"HS256","crit":[]})",
                                     R"({"crit":null,"alg":"HS256"})"}) {
        EXPECT_EQ(outcome(hmac_token(header, kAlice, kSecret), secrets({kSecret})),
                  "header has crit")
            << header;
    }
}

TEST(JwtTest, LastOfRepeatedHeaderFieldsCounts) {
    const KeySet keys = secrets({kSecret});
    EXPECT_EQ(outcome(hmac_token(R"({"alg":"none","alg":"HS256"})", kAlice, kSecret), keys),
              "alice");
    EXPECT_EQ(outcome(hmac_token(R"({"alg":"HS256","alg":"none"})", kAlice, kSecret), keys),
              "its algorithm is not allowed");
}

TEST(JwtTest, KeyIdMustBeAString) {
    EXPECT_EQ(
        outcome(hmac_token(R"({"alg":"HS256","kid":1})", kAlice, kSecret), secrets({kSecret})),
        "its key id is not a string");
}

TEST(JwtTest, TokenHasThreePartsAndEndsThere) {
    const std::string good = hmac_token(kHs256, kAlice, kSecret);
    const KeySet keys = secrets({kSecret});
    ASSERT_EQ(outcome(good, keys), "alice");
    const std::string unsigned_text = good.substr(0, good.rfind('.'));
    for (const std::string& token : {std::string(),
                                     std::string("."),
                                     std::string("a"),
                                     unsigned_text,
                                     good + ".",
                                     good + ".x",
                                     "." + good,
                                     std::string(8'192, '.')}) {
        EXPECT_EQ(outcome(token, keys), "token is not three parts with dots between them") << token;
    }
    EXPECT_EQ(outcome("..", keys), "header is not a JSON object");
    EXPECT_EQ(outcome(unsigned_text + ".", keys), "signature does not match");
}

TEST(JwtTest, OneTokenHasOneText) {
    const std::string good = hmac_token(kHs256, kAlice, kSecret);
    const KeySet keys = secrets({kSecret});
    // 32 bytes leave four unused bits in the last character: a lax reader takes 16 texts for one.
    const std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::size_t taken = 0;
    for (const char last : alphabet) {
        taken += outcome(good.substr(0, good.size() - 1) + last, keys) == "alice";
    }
    EXPECT_EQ(taken, 1U);
    for (const std::string& token : {good + "=", good + "\n", " " + good, good + " "}) {
        EXPECT_NE(outcome(token, keys), "alice") << token;
    }
}

TEST(JwtTest, EveryChangedCharacterSpoilsTheSignature) {
    const std::string good = hmac_token(kHs256, kAlice, kSecret);
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string changed = good;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_NE(outcome(changed, secrets({kSecret})), "alice") << i;
    }
}

TEST(JwtTest, TokensAreCutOffAtEightKibibytesBeforeAnythingElse) {
    const auto token_of = [](std::size_t filler) {
        return hmac_token(
            kHs256, R"({"sub":"alice","x":")" + std::string(filler, 'x') + R"("})", kSecret);
    };
    std::size_t filler = 6'000;
    while (token_of(filler + 1).size() <= kMaxTokenBytes)
        ++filler;
    EXPECT_EQ(outcome(token_of(filler), secrets({kSecret})), "alice");
    EXPECT_THAT(outcome(token_of(filler + 1), secrets({kSecret})), HasSubstr("8192 bytes"));
    EXPECT_THAT(outcome(std::string(8'000'000, '.'), secrets({kSecret})), HasSubstr("8192"));
}

TEST(JwtTest, UnknownKeyIsToldApartFromABadSignature) {
    const SigningKey key = SigningKey::ec();
    const auto jwks = parse_jwks(test::jwks_document({key.jwk(R"("kid":"k1",)")}));
    ASSERT_TRUE(jwks);
    const KeySet keys(jwks->keys);
    const auto is_unknown = [&keys](const std::string& token) {
        const JwtResult result = verify_jwt(token, keys, {}, kNowMs);
        return !result && result.error().is_unknown_key;
    };
    EXPECT_TRUE(verify_jwt(key.token(R"({"alg":"ES256","kid":"k1"})", kAlice), keys, {}, kNowMs));
    EXPECT_TRUE(is_unknown(key.token(R"({"alg":"ES256","kid":"k2"})", kAlice)));
    EXPECT_TRUE(is_unknown(SigningKey::rsa().token(R"({"alg":"RS256"})", kAlice)));
    EXPECT_FALSE(is_unknown(SigningKey::ec().token(R"({"alg":"ES256","kid":"k1"})", kAlice)));
    EXPECT_FALSE(is_unknown(key.token(R"({"alg":"ES256","kid":"k1"})", "{}")));
    EXPECT_FALSE(is_unknown("garbage"));
}

TEST(JwtTest, ClaimsAreReadBehindTheSignature) {
    EXPECT_EQ(outcome(hmac_token(kHs256, R"({"sub":"a","exp":1})", kSecret), secrets({kSecret})),
              "token is expired");
    EXPECT_EQ(outcome(hmac_token(kHs256, R"({"sub":"a","exp":1})", "wrong"), secrets({kSecret})),
              "signature does not match");
    EXPECT_EQ(outcome(hmac_token(kHs256, "no json", kSecret), secrets({kSecret})),
              "claims are not a JSON object");
}

TEST(JwtTest, RefusalsTellNothingOfTokenAndSecret) {
    const std::string header = R"({"alg":"HS256-hush","kid":"hush"})";
    for (const std::string& token : {hmac_token(header, R"({"sub":"hush"})", "hush"),
                                     hmac_token(kHs256, R"({"sub":"hush"})", "hush"),
                                     hmac_token(kHs256, R"({"hush":"hush"})", kSecret),
                                     hmac_token(kHs256, R"({"sub":"hush\n"})", kSecret),
                                     std::string("hush")}) {
        EXPECT_THAT(outcome(token, secrets({kSecret})), Not(HasSubstr("hush")));
    }
}

TEST(MakeTokenTest, MadeTokenVerifies) {
    const auto token = make_token(R"({"sub":"alice","exp":1700000100})", kSecret);
    ASSERT_TRUE(token);
    EXPECT_EQ(outcome(*token, secrets({kSecret})), "alice");
    EXPECT_EQ(*token, hmac_token(kHs256, R"({"sub":"alice","exp":1700000100})", kSecret));
}

TEST(MakeTokenTest, ClaimsMustBeAnObjectAndTheSecretNotEmpty) {
    EXPECT_FALSE(make_token("alice", kSecret));
    EXPECT_FALSE(make_token("[]", kSecret));
    EXPECT_FALSE(make_token(kAlice, ""));
}

}  // namespace
}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "auth/verification_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tests/support/token_maker.hpp"

namespace roomcast {
namespace {

using test::SigningKey;
using testing::HasSubstr;

VerificationKey public_key(const SigningKey& key) {
    auto keys = read_pem_keys(key.public_pem());
    EXPECT_TRUE(keys);
    return keys->front();
}

TEST(VerificationKeyTest, SecretTakesTheThreeHmacsAndTellsThemApart) {
    const VerificationKey key = VerificationKey::from_secret("a secret");
    for (const Algorithm made : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512}) {
        const std::string signature = hmac_signature(made, "a secret", "text");
        for (const Algorithm checked : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512}) {
            EXPECT_EQ(key.verify(checked, "text", signature), made == checked);
        }
        EXPECT_FALSE(key.verify(made, "texT", signature));
    }
}

TEST(VerificationKeyTest, HmacIsThatOfRfc4231) {
    EXPECT_EQ(
        encode_base64url(hmac_signature(Algorithm::hs256, "Jefe", "what do ya want for nothing?")),
        "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM");  // 5bdcc146… section 4.3
}

TEST(VerificationKeyTest, SignatureOfAnotherLengthIsNone) {
    const VerificationKey secret = VerificationKey::from_secret("s");
    const std::string mac = hmac_signature(Algorithm::hs256, "s", "text");
    EXPECT_FALSE(secret.verify(Algorithm::hs256, "text", mac.substr(0, 31)));
    EXPECT_FALSE(secret.verify(Algorithm::hs256, "text", ""));
    EXPECT_FALSE(secret.verify(Algorithm::hs256, "text", mac + '\0'));

    const SigningKey ec = SigningKey::ec();
    const std::string signature = ec.sign("text");
    const VerificationKey ec_key = public_key(ec);
    ASSERT_TRUE(ec_key.verify(Algorithm::es256, "text", signature));
    EXPECT_FALSE(ec_key.verify(Algorithm::es256, "text", signature.substr(0, 63)));
    EXPECT_FALSE(ec_key.verify(Algorithm::es256, "text", signature + '\0'));
    EXPECT_FALSE(ec_key.verify(Algorithm::es256, "text", ""));
    EXPECT_FALSE(ec_key.verify(Algorithm::es256, "text", std::string(64, '\0')));
}

TEST(VerificationKeyTest, EachKindTakesItsOwnAlgorithmAlone) {
    const SigningKey rsa = SigningKey::rsa();
    const SigningKey ec = SigningKey::ec();
    const SigningKey ed25519 = SigningKey::ed25519();

    const struct {
        VerificationKey key;
        Algorithm own;
        std::string signature;
    } cases[] = {
        {public_key(rsa), Algorithm::rs256, rsa.sign("text")},
        {public_key(ec), Algorithm::es256, ec.sign("text")},
        {public_key(ed25519), Algorithm::eddsa, ed25519.sign("text")},
        {VerificationKey::from_secret("s"),
         Algorithm::hs256,
         hmac_signature(Algorithm::hs256, "s", "text")},
    };

    for (const auto& each : cases) {
        for (const Algorithm algorithm : {Algorithm::hs256,
                                          Algorithm::hs512,
                                          Algorithm::rs256,
                                          Algorithm::es256,
                                          Algorithm::eddsa}) {
            EXPECT_EQ(each.key.verify(algorithm, "text", each.signature), algorithm == each.own);
        }
        EXPECT_FALSE(each.key.verify(each.own, "other text", each.signature));
    }
}

TEST(VerificationKeyTest, FailedChecksLeaveNoErrorForTheNextTlsCall) {
    const SigningKey rsa = SigningKey::rsa();
    const VerificationKey key = public_key(rsa);
    ERR_clear_error();
    EXPECT_FALSE(key.verify(Algorithm::rs256, "text", std::string(256, 'x')));
    EXPECT_FALSE(
        public_key(SigningKey::ec()).verify(Algorithm::es256, "text", std::string(64, '\xff')));
    EXPECT_FALSE(read_pem_keys("no key"));
    EXPECT_EQ(ERR_peek_error(), 0UL);
}

TEST(PemKeysTest, SeveralBlocksAreSeveralKeys) {
    const auto keys =
        read_pem_keys(SigningKey::rsa().public_pem() + "\n" + SigningKey::ec().public_pem() +
                      SigningKey::ed25519().public_pem());
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->size(), 3U);
    EXPECT_EQ((*keys)[0].kind(), KeyKind::rsa);
    EXPECT_EQ((*keys)[1].kind(), KeyKind::ec_p256);
    EXPECT_EQ((*keys)[2].kind(), KeyKind::ed25519);
}

TEST(PemKeysTest, WeakAndForeignKeysAreRefusedWithTheReason) {
    const auto small = read_pem_keys(SigningKey::rsa(1'024).public_pem());
    ASSERT_FALSE(small);
    EXPECT_THAT(small.error(), HasSubstr("at least 2048 bits"));
    const auto curve = read_pem_keys(SigningKey::ec("P-384").public_pem());
    ASSERT_FALSE(curve);
    EXPECT_THAT(curve.error(), HasSubstr("P-256"));
}

TEST(PemKeysTest, TextsThatHoldNoPublicKeyAreRefused) {
    const std::string pem = SigningKey::ec().public_pem();
    std::string broken = pem;
    broken.replace(60, 4, "AAAA");
    std::string private_key = pem;
    for (std::size_t at; (at = private_key.find("PUBLIC")) != std::string::npos;) {
        private_key.replace(at, 6, "PRIVATE");
    }
    for (const std::string& text :
         {std::string(), std::string("secret"), pem.substr(0, 80), broken, private_key}) {
        EXPECT_FALSE(read_pem_keys(text)) << text;
    }
    EXPECT_FALSE(read_pem_keys(pem + broken));
}

}  // namespace
}  // namespace roomcast

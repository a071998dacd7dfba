// SPDX-License-Identifier: Apache-2.0
#include "auth/token_cache.hpp"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/caching_verifier.hpp"
#include "tests/support/token_maker.hpp"

namespace roomcast {
namespace {

using test::SigningKey;

Identity user(std::string id) {
    Identity identity;
    identity.user_id = std::move(id);
    return identity;
}

TEST(TokenCacheTest, FindsWhatWasPutAndNothingElse) {
    TokenCache cache(8);
    cache.put("token a", user("alice"));
    cache.put("token b", user("bob"));
    ASSERT_TRUE(cache.find("token a"));
    EXPECT_EQ(cache.find("token a")->user_id, "alice");
    EXPECT_EQ(cache.find("token b")->user_id, "bob");
    EXPECT_FALSE(cache.find("token c"));
    EXPECT_FALSE(cache.find(""));
}

TEST(TokenCacheTest, HoldsAtMostItsCapacityAndForgetsTheOldestFirst) {
    TokenCache cache(100);
    for (int i = 0; i < 1'000; ++i)
        cache.put("token " + std::to_string(i), user("u"));
    int kept = 0;
    for (int i = 0; i < 900; ++i)
        kept += cache.find("token " + std::to_string(i)).has_value();
    EXPECT_EQ(kept, 0);
    EXPECT_TRUE(cache.find("token 999"));
}

TEST(TokenCacheTest, TokenInUseIsKept) {
    TokenCache cache(100);
    cache.put("in use", user("alice"));
    for (int i = 0; i < 1'000; ++i) {
        cache.put("token " + std::to_string(i), user("u"));
        ASSERT_TRUE(cache.find("in use")) << i;
    }
}

TEST(TokenCacheTest, ThreadsMayShareIt) {
    TokenCache cache(64);
    const auto work = [&cache] {
        for (int i = 0; i < 2'000; ++i) {
            const std::string token = "token " + std::to_string(i % 100);
            cache.put(token, user(token));
            if (const auto found = cache.find(token)) {
                EXPECT_EQ(found->user_id, token);
            }
        }
    };
    std::thread other(work);
    work();
    other.join();
}

TEST(CachingVerifierTest, KnownTokenKeepsItsIdentityAndEndsAtItsExp) {
    const SigningKey key = SigningKey::ec();
    auto pem = read_pem_keys(key.public_pem());
    ASSERT_TRUE(pem);
    CachingVerifier verifier(KeySet(std::move(*pem)), {});
    const std::string token =
        key.token(R"({"alg":"ES256"})", R"({"sub":"alice","exp":1700000100,"channels":{}})");
    const JwtResult first = verifier.verify(token, 1'700'000'000'000);
    ASSERT_TRUE(first);
    const JwtResult later = verifier.verify(token, 1'700'000'050'000);
    ASSERT_TRUE(later);
    EXPECT_EQ(later->user_id, "alice");
    EXPECT_EQ(later->expires_at, 1'700'000'100);
    // Without `iat` a token counts from when it was first seen: proof that it came from the cache.
    EXPECT_EQ(later->issued_at, 1'700'000'000);
    EXPECT_FALSE(later->rights.allow(Right::subscribe, "any"));
    const JwtResult late = verifier.verify(token, 1'700'000'105'000);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().reason, "token is expired");
}

TEST(CachingVerifierTest, RefusedTokensAreRefusedAgain) {
    auto pem = read_pem_keys(SigningKey::ec().public_pem());
    ASSERT_TRUE(pem);
    CachingVerifier verifier(KeySet(std::move(*pem)), {});
    const std::string token = SigningKey::ec().token(R"({"alg":"ES256"})", R"({"sub":"alice"})");
    EXPECT_FALSE(verifier.verify(token, 0));
    EXPECT_FALSE(verifier.verify(token, 0));
    EXPECT_FALSE(verifier.verify(std::string(100'000, 'x'), 0));
}

}  // namespace
}  // namespace roomcast

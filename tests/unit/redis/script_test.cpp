// SPDX-License-Identifier: Apache-2.0
// Digests as `redis-cli script load` of Redis 7.0 gives them.
#include <gtest/gtest.h>

#include "redis/client.hpp"

namespace roomcast::redis {
namespace {

TEST(ScriptTest, IsNamedByTheDigestThatRedisGivesIt) {
    const Script script("return 1");
    EXPECT_EQ(script.text, "return 1");
    EXPECT_EQ(script.sha1, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    EXPECT_EQ(Script("return redis.call('GET', KEYS[1]) -- ü\n").sha1,
              "0ecf2704b84f32c6b45d4bba71dac3f4ed1e0bbc");
}

}  // namespace
}  // namespace roomcast::redis

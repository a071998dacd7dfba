// SPDX-License-Identifier: Apache-2.0
#include "util/random.hpp"

#include <gtest/gtest.h>

#include "util/hex.hpp"

namespace roomcast {
namespace {

TEST(RandomTest, GivesAnotherNumberEachTime) {
    EXPECT_NE(random_u64(), random_u64());
}

TEST(ToHexTest, WritesSixteenLowerCaseDigits) {
    EXPECT_EQ(to_hex(0), "0000000000000000");
    EXPECT_EQ(to_hex(0xfedc'ba98'7654'3210), "fedcba9876543210");
}

}  // namespace
}  // namespace roomcast

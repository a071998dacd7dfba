// SPDX-License-Identifier: Apache-2.0
#include "brokers/lanes.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace roomcast {
namespace {

TEST(LanesTest, AreTheSameInEveryVersion) {
    // CRC-32 of "123456789" is 0xcbf43926, as its specification says; of nothing it is 0.
    EXPECT_EQ(lane_of("123456789"), 0xcbf43926 % 64);
    EXPECT_EQ(lane_of(""), 0U);
}

TEST(LanesTest, AreAllUsed) {
    std::set<std::size_t> lanes;
    for (int i = 0; i < 1'000; ++i)
        lanes.insert(lane_of("room" + std::to_string(i)));
    EXPECT_EQ(lanes.size(), kLanes);
    EXPECT_LT(*lanes.rbegin(), kLanes);
}

}  // namespace
}  // namespace roomcast

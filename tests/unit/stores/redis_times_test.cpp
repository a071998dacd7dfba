// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "stores/redis_context.hpp"

namespace roomcast {
namespace {

using namespace std::chrono_literals;

TEST(RedisPresenceTimesTest, HoldWhatTheTtlPromisesFromTheLowestOneThatIsAllowedOn) {
    for (const auto ttl : {5s, 6s, 10s, 60s, 600s, 86'400s}) {
        const RedisPresenceTimes times(ttl);
        // A beat comes up to a tenth later than planned.
        const auto late_beat = times.beat * 11 / 10;
        EXPECT_LT(times.lease + late_beat, times.ttl) << "a dead node is found out in time";
        EXPECT_LT(3 * late_beat, times.lease) << "two lost beats cost nothing";
        EXPECT_LT(times.own_lease, times.lease) << "nobody reaps a node that still writes";
        EXPECT_LT(2 * times.touch * 11 / 10, times.ttl) << "one lost touch costs nothing";
    }
}

}  // namespace
}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "brokers/rabbitmq_confirms.hpp"

#include <gmock/gmock.h>

namespace roomcast::rabbitmq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::uint64_t> ids(const std::vector<Sent>& sent) {
    std::vector<std::uint64_t> ids;
    for (const Sent& one : sent)
        ids.push_back(one.id);
    return ids;
}

class RabbitmqConfirmsTest : public testing::Test {
protected:
    RabbitmqConfirmsTest() {
        for (std::uint64_t id = 11; id <= 15; ++id)
            confirms_.add({.id = id, .bytes = 1, .at = SteadyTime(std::chrono::seconds(id))});
    }

    Confirms confirms_;
};

TEST_F(RabbitmqConfirmsTest, OneTagConfirmsOneOrAllUpToIt) {
    EXPECT_THAT(ids(confirms_.take(3, false)), ElementsAre(13));
    EXPECT_THAT(ids(confirms_.take(4, true)), ElementsAre(11, 12, 14));
    EXPECT_EQ(confirms_.size(), 1U);
    EXPECT_THAT(ids(confirms_.take(5, true)), ElementsAre(15));
    EXPECT_EQ(confirms_.size(), 0U);
}

TEST_F(RabbitmqConfirmsTest, NoTagCountsTwiceAndNoneBeforeItIsGiven) {
    EXPECT_THAT(ids(confirms_.take(2, true)), ElementsAre(11, 12));
    EXPECT_THAT(confirms_.take(2, true), IsEmpty());
    EXPECT_THAT(confirms_.take(1, false), IsEmpty());
    EXPECT_THAT(confirms_.take(0, true), IsEmpty());
    EXPECT_THAT(confirms_.take(6, true), IsEmpty());
    confirms_.add({.id = 16, .bytes = 1, .at = {}});
    EXPECT_THAT(ids(confirms_.take(6, false)), ElementsAre(16));
    EXPECT_EQ(confirms_.size(), 3U);
}

TEST_F(RabbitmqConfirmsTest, TheOldestIsTheFirstForWhichSomebodyWaits) {
    EXPECT_EQ(confirms_.oldest(), SteadyTime(std::chrono::seconds(11)));
    (void)confirms_.take(1, false);
    EXPECT_EQ(confirms_.oldest(), SteadyTime(std::chrono::seconds(12)));
    Confirms probes;
    probes.add({.id = 0, .bytes = 1, .at = SteadyTime(std::chrono::seconds(1))});
    EXPECT_EQ(probes.oldest(), std::nullopt);
}

TEST_F(RabbitmqConfirmsTest, ANewChannelCountsAnew) {
    (void)confirms_.take(1, false);
    EXPECT_THAT(ids(confirms_.take_all()), ElementsAre(12, 13, 14, 15));
    EXPECT_EQ(confirms_.size(), 0U);
    confirms_.add({.id = 21, .bytes = 1, .at = {}});
    EXPECT_THAT(ids(confirms_.take(1, false)), ElementsAre(21));
}

}  // namespace
}  // namespace roomcast::rabbitmq

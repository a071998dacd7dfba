// SPDX-License-Identifier: Apache-2.0
#include "brokers/kafka_progress.hpp"

#include <gmock/gmock.h>

namespace roomcast::kafka {
namespace {

using namespace std::chrono_literals;
using testing::Eq;
using testing::Optional;

class KafkaProgressTest : public testing::Test {
protected:
    /// A second after the last time.
    void ends_at(std::int64_t offset) {
        const Position ends[] = {{0, offset}};
        now_ += 1s;
        progress_.on_ends(ends, now_);
    }

    SteadyTime now_{1h};
    Progress progress_{2s};
};

TEST_F(KafkaProgressTest, CountsWhatIsNotReadYet) {
    progress_.begin({0, 10});
    progress_.begin({1, 0});
    const Position ends[] = {{0, 15}, {1, 2}, {2, 99}};  // the last one is not read here
    progress_.on_ends(ends, now_);
    EXPECT_EQ(progress_.lag(), 7U);
    progress_.on_read({0, 15});
    progress_.on_read({1, 3});  // what came since the question
    progress_.on_ends(ends, now_);
    EXPECT_EQ(progress_.lag(), 0U);
}

TEST_F(KafkaProgressTest, IsStuckWhenNothingArrivesOfWhatIsThereForAWhile) {
    progress_.begin({0, 10});
    ends_at(10);
    ends_at(12);  // just published
    EXPECT_FALSE(progress_.stuck());
    ends_at(12);
    EXPECT_FALSE(progress_.stuck());
    ends_at(12);
    EXPECT_THAT(progress_.stuck(), Optional(Eq(0)));
    progress_.on_read({0, 11});
    ends_at(12);
    EXPECT_FALSE(progress_.stuck());
}

TEST_F(KafkaProgressTest, IsNotStuckWhileItPausesOnPurposeNorRightAfterIt) {
    progress_.begin({0, 10});
    ends_at(12);
    for (int turn = 0; turn < 5; ++turn) {
        progress_.pause(now_ + 1s);
        ends_at(12);
        EXPECT_FALSE(progress_.stuck());
    }
    ends_at(12);
    EXPECT_FALSE(progress_.stuck());
    ends_at(12);
    EXPECT_THAT(progress_.stuck(), Optional(Eq(0)));
}

TEST_F(KafkaProgressTest, IsNotStuckWhileItIsBehindAndReads) {
    progress_.begin({0, 0});
    for (std::int64_t turn = 1; turn < 10; ++turn) {
        ends_at(1'000 * turn);
        progress_.on_read({0, turn});
        EXPECT_FALSE(progress_.stuck());
    }
    EXPECT_GT(progress_.lag(), 0U);
}

TEST_F(KafkaProgressTest, ALostPartitionIsNoneUntilItIsReadAgain) {
    progress_.begin({0, 10});
    progress_.lose(0);
    EXPECT_TRUE(progress_.is_lost(0));
    for (int turn = 0; turn < 4; ++turn)
        ends_at(20);
    EXPECT_EQ(progress_.lag(), 0U);
    EXPECT_FALSE(progress_.stuck());
    progress_.begin({0, 20});
    EXPECT_FALSE(progress_.is_lost(0));
    ends_at(21);
    EXPECT_EQ(progress_.lag(), 1U);
}

}  // namespace
}  // namespace roomcast::kafka

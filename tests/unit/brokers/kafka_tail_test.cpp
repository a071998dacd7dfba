// SPDX-License-Identifier: Apache-2.0
#include "brokers/kafka_tail.hpp"

#include <optional>

#include <gmock/gmock.h>

namespace roomcast::kafka {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A cluster as the test says.
class FakeCluster final : public Cluster {
public:
    Outcome<std::int32_t, Trouble> count_partitions() override {
        if (!is_reachable) return Trouble{.text = "nobody answers"};
        if (ends.empty()) return Trouble{.text = "unknown topic", .is_topic_missing = true};
        return static_cast<std::int32_t>(ends.size());
    }

    Outcome<std::vector<Position>, Trouble> find_ends(std::int32_t count) override {
        std::vector<Position> found;
        for (std::int32_t partition = 0; partition < count; ++partition) {
            const auto& end = ends[static_cast<std::size_t>(partition)];
            if (end) found.push_back({partition, *end});
        }
        return found;
    }

    Outcome<void, Trouble> create_topic() override {
        if (!may_create) return Trouble{.text = "not authorized"};
        ends = {0, 0};
        return {};
    }

    std::vector<std::optional<std::int64_t>> ends;  // by partition; nothing: it has no leader
    bool is_reachable = true;
    bool may_create = false;
};

TEST(KafkaTailTest, BeginsAtTheEndsOfAllPartitions) {
    FakeCluster cluster;
    cluster.ends = {7, 0, 3};
    Tail tail;
    const auto first = tail.turn(cluster);
    EXPECT_THAT(first->begin, ElementsAre(Position{0, 7}, Position{1, 0}, Position{2, 3}));
    cluster.ends = {8, 0, 3};
    const auto second = tail.turn(cluster);
    EXPECT_THAT(second->begin, IsEmpty());
    EXPECT_THAT(second->ends, ElementsAre(Position{0, 8}, Position{1, 0}, Position{2, 3}));
}

TEST(KafkaTailTest, ReadsPartitionsThatAreAddedFromTheirBeginning) {
    FakeCluster cluster;
    cluster.ends = {7};
    Tail tail;
    ASSERT_TRUE(tail.turn(cluster));
    cluster.ends = {7, 5, std::nullopt};  // somebody was faster, and one is not led yet
    EXPECT_THAT(tail.turn(cluster)->begin, ElementsAre(Position{1, 0}, Position{2, 0}));
    EXPECT_THAT(tail.turn(cluster)->begin, IsEmpty());
}

TEST(KafkaTailTest, WaitsAtFirstUntilAllPartitionsAreLed) {
    FakeCluster cluster;
    cluster.ends = {7, std::nullopt};
    Tail tail;
    EXPECT_EQ(tail.turn(cluster).error(), "of 2 partitions of the topic only 1 have a leader");
    cluster.ends = {7, 1};
    EXPECT_THAT(tail.turn(cluster)->begin, ElementsAre(Position{0, 7}, Position{1, 1}));
    // Later the others are read on.
    cluster.ends = {std::nullopt, 1};
    EXPECT_THAT(tail.turn(cluster)->ends, ElementsAre(Position{1, 1}));
}

TEST(KafkaTailTest, ReadsALostPartitionFromItsEndOnceThatIsKnown) {
    FakeCluster cluster;
    cluster.ends = {7, 9};
    Tail tail;
    ASSERT_TRUE(tail.turn(cluster));
    tail.lose(1);
    cluster.ends = {7, std::nullopt};
    EXPECT_THAT(tail.turn(cluster)->begin, IsEmpty());
    cluster.ends = {7, 2};
    EXPECT_THAT(tail.turn(cluster)->begin, ElementsAre(Position{1, 2}));
    EXPECT_THAT(tail.turn(cluster)->begin, IsEmpty());
}

TEST(KafkaTailTest, MakesATopicThatIsMissing) {
    FakeCluster cluster;
    Tail tail;
    EXPECT_EQ(tail.turn(cluster).error(),
              "the topic does not exist and cannot be created: not authorized");
    cluster.may_create = true;
    EXPECT_THAT(tail.turn(cluster)->begin, ElementsAre(Position{0, 0}, Position{1, 0}));
}

TEST(KafkaTailTest, SaysWhyThereIsNoAnswer) {
    FakeCluster cluster;
    cluster.is_reachable = false;
    Tail tail;
    EXPECT_EQ(tail.turn(cluster).error(), "nobody answers");
}

}  // namespace
}  // namespace roomcast::kafka

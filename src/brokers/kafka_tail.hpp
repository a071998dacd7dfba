// SPDX-License-Identifier: Apache-2.0
// Which partitions of the topic are read, and from where.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "util/result.hpp"

namespace roomcast::kafka {

struct Position {
    std::int32_t partition;
    std::int64_t offset;  // of the next message

    friend bool operator==(const Position&, const Position&) = default;
};

/// Why the cluster did not do what it was asked for.
struct Trouble {
    std::string text;
    bool is_topic_missing = false;
};

/// What is asked of a cluster about the one topic. Each call waits for the answer. An interface, so
/// that a test can play it.
class Cluster {
public:
    virtual ~Cluster() = default;
    [[nodiscard]] virtual Outcome<std::int32_t, Trouble> count_partitions() = 0;
    /// Where the next message of each of the first `count` partitions will stand. Those whose
    /// leader cannot say so are left out.
    [[nodiscard]] virtual Outcome<std::vector<Position>, Trouble> find_ends(std::int32_t count) = 0;
    [[nodiscard]] virtual Outcome<void, Trouble> create_topic() = 0;
};

/// Follows a topic from its end, through its growth. Used by one thread.
class Tail {
public:
    struct Turn {
        std::vector<Position> begin;  // to be read from there on, beside what is read already
        std::vector<Position> ends;
    };

    /// Asks what there is. At first all partitions are read from their ends; those that are added
    /// later from their beginning, since something may stand there already; those that were lost
    /// from their ends again. Error: a sentence.
    [[nodiscard]] Outcome<Turn, std::string> turn(Cluster& cluster);

    /// The partition is read no more: what was to be read next is gone.
    void lose(std::int32_t partition) { lost_.insert(partition); }

private:
    [[nodiscard]] Outcome<std::int32_t, std::string> count_or_create(Cluster& cluster) const;

    std::int32_t known_ = 0;
    std::set<std::int32_t> lost_;
};

}  // namespace roomcast::kafka

// SPDX-License-Identifier: Apache-2.0
// What most tests of core start from: fakes, a clock by hand, and a hub of one or four shards.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_broker.hpp"
#include "tests/support/fake_presence_store.hpp"
#include "tests/support/json_field.hpp"
#include "tests/support/test_hub.hpp"

namespace roomcast {

/// The parameter is the number of shards. Clients are on the first shard unless a test says
/// otherwise; with four shards, room "r" may be at home on any of them.
class CoreTest : public testing::TestWithParam<ShardIndex> {
protected:
    /// The hub is built when it is first used, so that a test can set limits before.
    TestHub& hub() {
        if (!hub_) hub_.emplace(broker_, store_, clock_, limits_, GetParam());
        return *hub_;
    }

    std::unique_ptr<TestClient> connect(std::string user_id, SessionOptions options = {}) {
        // Spread over the shards, so that members and homes are apart.
        const auto shard = static_cast<ShardIndex>(clients_++ % GetParam());
        return std::make_unique<TestClient>(hub(), shard, std::move(user_id), std::move(options));
    }

    std::unique_ptr<TestClient> connect_versioned(std::string user_id) {
        auto client =
            connect(std::move(user_id), {.identity = {}, .is_versioned = true, .peer = {}});
        client->take();  // welcome
        return client;
    }

    void settle() { hub().settle(); }

    void pass(std::chrono::milliseconds time) {
        clock_.advance(time);
        settle();
    }

    /// The sum of one metric over all shards.
    std::uint64_t sum(Counter ShardMetrics::*counter) {
        std::uint64_t all = 0;
        for (ShardIndex i = 0; i < GetParam(); ++i) {
            all += (hub().shard(i).metrics().*counter).value();
        }
        return all;
    }

    ManualClock clock_;
    Limits limits_;
    FakeBroker broker_{true};
    FakePresenceStore store_{clock_, GetParam(), true};

private:
    std::optional<TestHub> hub_;
    std::size_t clients_ = 0;
};

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

#define INSTANTIATE_CORE_TEST(name) \
    INSTANTIATE_TEST_SUITE_P(Shards, name, testing::Values(ShardIndex{1}, ShardIndex{4}))

}  // namespace roomcast

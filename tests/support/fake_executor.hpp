// SPDX-License-Identifier: Apache-2.0
// An executor of one shard, whose work waits until the test says so.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "brokers/broker.hpp"

namespace roomcast::test {

class FakeExecutor final : public Executor {
public:
    [[nodiscard]] ShardIndex shard_count() const override { return 1; }

    void post(ShardIndex, std::function<void()> work) override { work_.push_back(std::move(work)); }

    void run() {
        for (const auto& work : std::exchange(work_, {}))
            work();
    }

private:
    std::vector<std::function<void()>> work_;
};

}  // namespace roomcast::test

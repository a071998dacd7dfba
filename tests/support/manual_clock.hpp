// SPDX-License-Identifier: Apache-2.0
// A clock that stands still until the test moves it.
#pragma once

#include <chrono>

#include "util/clock.hpp"

namespace roomcast {

class ManualClock final : public Clock {
public:
    [[nodiscard]] SteadyTime steady() const override { return steady_; }

    [[nodiscard]] std::int64_t wall_ms() const override { return wall_ms_; }

    /// Moves both clocks.
    void advance(std::chrono::milliseconds by) {
        steady_ += by;
        wall_ms_ += by.count();
    }

    void set_wall_ms(std::int64_t wall_ms) { wall_ms_ = wall_ms; }

private:
    SteadyTime steady_{std::chrono::hours(1)};
    std::int64_t wall_ms_ = 1'620'000'000'000;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Time as a parameter, so that tests move it by hand.
#pragma once

#include <chrono>
#include <cstdint>

namespace roomcast {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Where a part gets the time from. Timers and deadlines use steady(), which never jumps; what
/// users see (`ts`, `updated_at`) and token times use the wall clock.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual SteadyTime steady() const = 0;
    /// Milliseconds since the Unix epoch.
    [[nodiscard]] virtual std::int64_t wall_ms() const = 0;
};

/// The clocks of the operating system. Safe from any thread.
class SystemClock final : public Clock {
public:
    [[nodiscard]] SteadyTime steady() const override { return std::chrono::steady_clock::now(); }

    [[nodiscard]] std::int64_t wall_ms() const override {
        using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::system_clock;
        return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    }
};

}  // namespace roomcast

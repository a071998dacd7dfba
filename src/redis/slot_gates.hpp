// SPDX-License-Identifier: Apache-2.0
// Calls to slots that have a new owner, until the old one has answered what went there before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "redis/request.hpp"

namespace roomcast::redis {

/// Without them a call that the old owner sends on to the new one would come behind calls that were
/// made later.
class SlotGates {
public:
    /// To be followed by open(). May be closed more than once.
    void close(std::uint16_t slot) { ++gates_[slot].closed; }

    [[nodiscard]] bool is_closed(std::uint16_t slot) const {
        return !gates_.empty() && gates_.contains(slot);
    }

    /// Of a closed slot.
    void hold(Request request);
    /// What was held, in order, once it was opened as often as closed.
    [[nodiscard]] std::vector<Request> open(std::uint16_t slot);

    // Of all slots:
    [[nodiscard]] std::size_t held_calls() const { return held_calls_; }

    [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }

private:
    struct Gate {
        std::uint32_t closed = 0;
        std::vector<Request> held;
    };

    std::unordered_map<std::uint16_t, Gate> gates_;
    std::size_t held_calls_ = 0;
    std::size_t held_bytes_ = 0;
};

}  // namespace roomcast::redis

// SPDX-License-Identifier: Apache-2.0
#include "redis/slot_gates.hpp"

#include <utility>

#include "util/assert.hpp"

namespace roomcast::redis {

void SlotGates::hold(Request request) {
    ++held_calls_;
    held_bytes_ += request.size_bytes();
    std::vector<Request>& held = gates_[request.slot].held;
    held.push_back(std::move(request));
}

std::vector<Request> SlotGates::open(std::uint16_t slot) {
    const auto found = gates_.find(slot);
    ASSERT(found != gates_.end());
    if (--found->second.closed > 0) return {};
    std::vector<Request> held = std::move(found->second.held);
    gates_.erase(found);
    held_calls_ -= held.size();
    for (const Request& request : held)
        held_bytes_ -= request.size_bytes();
    return held;
}

}  // namespace roomcast::redis

// SPDX-License-Identifier: Apache-2.0
// What every networked broker counts, under the same names.
#pragma once

#include <cstdint>
#include <vector>

#include "brokers/home_side.hpp"
#include "util/figure.hpp"

namespace roomcast {

/// What the broker itself knows; HomeSide knows the rest.
struct BrokerCounts {
    std::uint64_t gaps = 0;          // one for each channel
    std::uint64_t bad_messages = 0;  // beside those that HomeSide finds
    std::uint64_t connections_lost = 0;
    std::uint64_t calls_failed = 0;
};

[[nodiscard]] std::vector<Figure> broker_figures(const HomeSide& homes, const BrokerCounts& counts);

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// How channels share the few addresses of a broker on which one for each channel would be dear.
#pragma once

#include <cstddef>
#include <string_view>

namespace roomcast {

inline constexpr std::size_t kLanes = 64;

/// The lane of a channel: CRC-32 (that of zlib, of ISO 3309) of its name, modulo kLanes. All nodes
/// must agree on it, so it never changes.
[[nodiscard]] std::size_t lane_of(std::string_view channel);

}  // namespace roomcast

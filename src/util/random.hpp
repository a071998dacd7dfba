// SPDX-License-Identifier: Apache-2.0
// Randomness from the operating system (getrandom(2)), for seeds and identifiers.
#pragma once

#include <cstdint>

namespace roomcast {

/// 64 unpredictable bits. Safe from any thread; a system call, so not for the hot path.
[[nodiscard]] std::uint64_t random_u64();

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// How often a test program has called `operator new`. Linked into those that ask.
#pragma once

#include <cstddef>

namespace roomcast {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kAllocationsAreCounted = false;  // the sanitizers bring their own
#else
inline constexpr bool kAllocationsAreCounted = true;
#endif

/// By all threads, since the start of the program.
[[nodiscard]] std::size_t counted_allocations();

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// How much memory the process has taken from the allocator, for tests that bound it.
#pragma once

#include <cstddef>

#include <malloc.h>

namespace roomcast::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsHeapMeasurable = false;  // the sanitizers' allocators do not keep mallinfo2()
#else
constexpr bool kIsHeapMeasurable = true;
#endif

/// Bytes in use now, as the allocator counts them. Only when kIsHeapMeasurable.
[[nodiscard]] inline std::size_t heap_bytes() {
    return mallinfo2().uordblks;
}

}  // namespace roomcast::test

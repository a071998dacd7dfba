// SPDX-License-Identifier: Apache-2.0
// A check for our own mistakes that stays on in release builds. What a peer sends never reaches
// one.
#pragma once

namespace roomcast {

/// Writes where and what to standard error, then aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace roomcast

#define ASSERT(expression) \
    ((expression) ? void(0) : ::roomcast::assertion_failed(#expression, __FILE__, __LINE__))

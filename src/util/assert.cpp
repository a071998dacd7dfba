// SPDX-License-Identifier: Apache-2.0
#include "util/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace roomcast {

void assertion_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "roomcast: assertion failed at %s:%d: %s\n", file, line, expression);
    std::abort();
}

}  // namespace roomcast

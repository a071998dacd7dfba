// SPDX-License-Identifier: Apache-2.0
#include "util/random.hpp"

#include <sys/random.h>

#include "util/assert.hpp"

namespace roomcast {

std::uint64_t random_u64() {
    std::uint64_t bits = 0;
    // Up to 256 bytes getrandom() is all or nothing once the pool is initialised (getrandom(2)).
    const auto got = ::getrandom(&bits, sizeof bits, 0);
    ASSERT(got == sizeof bits);
    return bits;
}

}  // namespace roomcast

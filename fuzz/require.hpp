// SPDX-License-Identifier: Apache-2.0
// What a fuzz target demands of the code that it runs.
#pragma once

#include <cstdlib>

/// Ends the run where `condition` fails: libFuzzer then keeps the input.
#define REQUIRE(condition) ((condition) ? void(0) : std::abort())

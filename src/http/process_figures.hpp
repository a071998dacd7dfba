// SPDX-License-Identifier: Apache-2.0
// What the operating system says about this process.
#pragma once

#include <cstdint>

namespace roomcast::http {

struct ProcessFigures {
    std::uint64_t resident_bytes = 0;
    std::uint64_t open_fds = 0;
    std::uint64_t max_fds = 0;
    double cpu_seconds = 0;    // user and system
    double start_seconds = 0;  // Unix time
};

/// Reads /proc and getrusage(2). What cannot be read is 0. Safe from any thread.
[[nodiscard]] ProcessFigures read_process_figures();

}  // namespace roomcast::http

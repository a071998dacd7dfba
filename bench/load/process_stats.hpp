// SPDX-License-Identifier: Apache-2.0
// What the server under test costs, from /proc.
#pragma once

#include <cstdint>
#include <vector>

#include <sys/types.h>

#include "common/socket.hpp"

namespace roomcast::bench {

struct CpuSample {
    Nanoseconds server = 0;     ///< run time of all threads of all its processes
    Nanoseconds broker = 0;     ///< the same of the broker between its nodes
    Nanoseconds softirq = 0;    ///< of all ksoftirqd threads, which do a part of its sends' work
    Nanoseconds generator = 0;  ///< our own
    Nanoseconds wall = 0;

    friend CpuSample operator-(CpuSample later, const CpuSample& earlier) {
        later.server -= earlier.server;
        later.broker -= earlier.broker;
        later.softirq -= earlier.softirq;
        later.generator -= earlier.generator;
        later.wall -= earlier.wall;
        return later;
    }
};

struct MemorySample {
    std::int64_t rss_bytes = 0;
    std::int64_t pss_bytes = 0;  ///< shared pages counted once, over all processes
};

class ProcessStats {
public:
    explicit ProcessStats(std::vector<pid_t> server, std::vector<pid_t> broker = {});

    [[nodiscard]] CpuSample cpu() const;
    /// Exact, but walks the server's page tables: not while something is timed.
    [[nodiscard]] MemorySample memory() const;
    /// Resident memory from the kernel's counters: cheap, off by some dozen pages.
    [[nodiscard]] std::int64_t rss_bytes() const;
    [[nodiscard]] std::int64_t open_files() const;

private:
    std::vector<pid_t> server_;
    std::vector<pid_t> broker_;
    std::vector<pid_t> softirq_;
};

}  // namespace roomcast::bench

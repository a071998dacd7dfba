// SPDX-License-Identifier: Apache-2.0
#include "load/cases.hpp"

namespace roomcast::bench {

void run_connections(const Options& options,
                     Target target,
                     const ProcessStats& stats,
                     Report& report) {
    TrafficPlan plan = options.traffic;
    plan.rate = 4;
    Traffic traffic(target, plan);

    const MemorySample memory_before = stats.memory();
    const CpuSample before = stats.cpu();
    traffic.open();
    const CpuSample used = stats.cpu() - before;
    const Nanoseconds settled = now_ns() + 1'000'000'000;
    while (now_ns() < settled)
        target.loop.poll(settled);
    const MemorySample memory = stats.memory();

    // The figures count only when each of these connections is a working subscription.
    traffic.run(options.seconds);
    traffic.drain();
    traffic.finish();

    report.add("connections", plan.readers);
    report.add_cpu(used, "connection", plan.readers);
    report.add_rate(plan.readers, used.wall);
    report.add("rss_bytes", memory.rss_bytes);
    report.add("rss_bytes_per_connection",
               static_cast<double>(memory.rss_bytes - memory_before.rss_bytes) / plan.readers);
    report.add("pss_bytes_per_connection",
               static_cast<double>(memory.pss_bytes - memory_before.pss_bytes) / plan.readers);
    report.add_tally(traffic.tally());
    if (traffic.closed_readers() > 0)
        report.fail("readers closed: " + traffic.first_close_reason());
    traffic.abort_all();
}

}  // namespace roomcast::bench

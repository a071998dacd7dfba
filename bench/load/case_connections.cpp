// SPDX-License-Identifier: Apache-2.0
#include "load/cases.hpp"

namespace roomcast::bench {

void run_connections(const Options& options,
                     Target target,
                     const ProcessStats& stats,
                     Report& report) {
    const TrafficPlan& plan = options.traffic;
    Traffic traffic(target, plan);

    const MemorySample memory_before = stats.memory();
    const CpuSample before = stats.cpu();
    traffic.open();
    const CpuSample used = stats.cpu() - before;
    target.loop.poll_for(from_seconds(options.seconds));
    const MemorySample memory = stats.memory();

    // The figures count only when each of these connections has its working subscriptions.
    traffic.publish_everywhere();
    traffic.drain();
    traffic.finish();

    report.add("connections", plan.readers);
    report.add_cpu(used, "connection", plan.readers);
    report.add_rate(plan.readers, used.wall);
    report.add_times("subscribed", traffic.fleet().waits());
    report.add("rss_bytes", memory.rss_bytes);
    report.add("rss_growth_bytes", memory.rss_bytes - memory_before.rss_bytes);
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

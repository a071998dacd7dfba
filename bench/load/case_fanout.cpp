// SPDX-License-Identifier: Apache-2.0
#include "load/cases.hpp"

namespace roomcast::bench {

void run_fanout(const Options& options, Target target, const ProcessStats& stats, Report& report) {
    Traffic traffic(target, options.traffic);
    traffic.open();
    traffic.run(options.warmup_seconds);
    traffic.drain();

    traffic.latency().clear();
    const std::uint64_t delivered_before = traffic.tally().delivered;
    const std::uint64_t reads_before = target.loop.reads();
    const CpuSample before = stats.cpu();
    traffic.run(options.seconds);
    traffic.drain();
    const CpuSample used = stats.cpu() - before;
    const std::uint64_t delivered = traffic.tally().delivered - delivered_before;
    const std::uint64_t reads = target.loop.reads() - reads_before;

    const MemorySample memory = stats.memory();
    traffic.finish();
    report.add("deliveries", delivered);
    report.add_cpu(used, "delivery", delivered);
    report.add_rate(delivered, traffic.last_delivery() - before.wall);
    report.add_times("latency", traffic.latency());
    if (reads > 0) {
        report.add("messages_per_read",
                   static_cast<double>(delivered) / static_cast<double>(reads));
    }
    report.add("rss_bytes", memory.rss_bytes);
    report.add_tally(traffic.tally());
    if (traffic.closed_readers() > 0)
        report.fail("readers closed: " + traffic.first_close_reason());
    traffic.abort_all();
}

}  // namespace roomcast::bench

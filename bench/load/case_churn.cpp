// SPDX-License-Identifier: Apache-2.0
#include "load/cases.hpp"
#include "load/visitors.hpp"

namespace roomcast::bench {

void run_churn(const Options& options, Target target, const ProcessStats& stats, Report& report) {
    if (options.traffic.channels != 1 || options.traffic.publishers != 1) {
        give_up("churn: visitors check one channel of one publisher");
    }
    Traffic traffic(target, options.traffic);
    traffic.open();
    const VisitorsPlan plan{.channel = "r0",
                            .payload_bytes = options.traffic.payload_bytes,
                            .per_second = options.visitors_per_second};
    Visitors visitors(target, plan, [&] { return traffic.published(0, 0); });

    const CpuSample before = stats.cpu();
    traffic.run(options.seconds, [&] { visitors.turn(); });
    const std::uint64_t deliveries = traffic.tally().delivered + visitors.tally().delivered;
    const CpuSample used = stats.cpu() - before;
    visitors.finish();
    traffic.drain();
    traffic.finish();

    Tally tally = traffic.tally();
    tally += visitors.tally();
    report.add("deliveries", deliveries);
    report.add_cpu(used, "delivery", deliveries);
    report.add_rate(deliveries, used.wall);
    report.add("visitors", visitors.finished());
    report.add("visitors_failed", visitors.failed());
    report.add("visitor_deliveries", visitors.tally().delivered);
    report.add_tally(tally);
    if (visitors.finished() == 0) report.fail("no visitor got through");
    if (visitors.failed() > 0) report.fail("visitors failed: " + visitors.first_failure());
    if (traffic.closed_readers() > 0)
        report.fail("readers closed: " + traffic.first_close_reason());
    traffic.abort_all();
}

}  // namespace roomcast::bench

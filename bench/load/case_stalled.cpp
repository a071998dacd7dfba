// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "load/cases.hpp"

namespace roomcast::bench {

namespace {

constexpr Nanoseconds kSampleEvery = 500'000'000;

/// Watches the server's memory and sockets while the run goes on.
class Watch {
public:
    Watch(const ProcessStats& stats, std::int64_t leavers)
        : stats_(stats),
          files_before_(stats.open_files()),
          leavers_(leavers),
          rss_before_(stats.rss_bytes()),
          started_(now_ns()),
          next_(started_) {}

    void turn() {
        const Nanoseconds now = now_ns();
        if (now < next_) return;
        next_ = now + kSampleEvery;
        growth_ = std::max(growth_, stats_.rss_bytes() - rss_before_);
        closed_ = files_before_ - stats_.open_files();
        if (closed_ >= leavers_ && all_closed_after_ < 0) all_closed_after_ = now - started_;
    }

    void report(Report& report) const {
        report.add("rss_growth_bytes", growth_);
        report.add("closed_by_server", closed_);
        report.add("all_closed_after_s", to_seconds(all_closed_after_));
    }

private:
    const ProcessStats& stats_;
    std::int64_t files_before_;
    std::int64_t leavers_;
    std::int64_t rss_before_;
    Nanoseconds started_;
    Nanoseconds next_;
    std::int64_t growth_ = 0;
    std::int64_t closed_ = 0;
    Nanoseconds all_closed_after_ = -1;
};

}  // namespace

void run_stalled(const Options& options, Target target, const ProcessStats& stats, Report& report) {
    Traffic bystanders(target, options.traffic);
    TrafficPlan heavy_plan;
    heavy_plan.channel_prefix = "heavy";
    heavy_plan.readers = options.stalled;
    heavy_plan.payload_bytes = options.heavy_payload;
    heavy_plan.rate = options.heavy_rate;
    heavy_plan.first_stream = options.traffic.channels * options.traffic.publishers;
    heavy_plan.ignores_others = true;
    Traffic heavy(target, heavy_plan);
    bystanders.open();
    heavy.open();
    // They sit on the bystanders' channel as well, in the way of its fan-out. The heavy one fills
    // what the kernel holds for them, which can be megabytes, in seconds.
    for (std::uint32_t i = 0; i < options.stalled; ++i) {
        heavy.fleet().reader(i).queue_text(target.protocol.subscribe("r0"));
        heavy.fleet().reader(i).flush();
    }
    bystanders.run(options.warmup_seconds);
    bystanders.drain();
    bystanders.latency().clear();

    if (options.is_stalling) {
        for (std::uint32_t i = 0; i < options.stalled; ++i)
            heavy.fleet().reader(i).stall();
    }
    Watch watch(stats, options.stalled);
    heavy.restart_schedule(now_ns());
    bystanders.run(options.seconds, [&] {
        heavy.publish_due(now_ns());
        watch.turn();
    });
    bystanders.drain();
    bystanders.finish();

    Tally tally = bystanders.tally();
    if (!options.is_stalling) {
        heavy.drain();
        heavy.finish();
        tally += heavy.tally();
        if (heavy.closed_readers() > 0)
            report.fail("readers closed: " + heavy.first_close_reason());
    }
    report.add("stalled", options.is_stalling ? options.stalled : 0);
    report.add_times("latency", bystanders.latency());
    watch.report(report);
    report.add_tally(tally);
    if (bystanders.closed_readers() > 0) {
        report.fail("bystanders closed: " + bystanders.first_close_reason());
    }
    bystanders.abort_all();
    heavy.abort_all();
}

}  // namespace roomcast::bench

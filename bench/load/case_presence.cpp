// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "load/cases.hpp"
#include "load/members.hpp"

namespace roomcast::bench {

namespace {

double seconds(Nanoseconds time) {
    return static_cast<double>(time) / 1e9;
}

}  // namespace

void run_herd(const Options& options, Target target, const ProcessStats& stats, Report& report) {
    constexpr std::uint32_t kOneByOne = 64;
    const std::uint32_t users = options.traffic.readers;
    const auto channels = channel_names("r", options.traffic.channels);
    PresenceWatch watch(target, channels);
    watch.open();
    Members members(target, options.traffic.reader_ports, channels);

    const CpuSample before = stats.cpu();
    members.open(users, kOneByOne);
    const CpuSample used = stats.cpu() - before;
    watch.wait_for(users, 0, 10);
    report.add_cpu(used, "join", users);
    report.add_rate(users, used.wall);

    // Each comes back at another node: within the grace nobody has left.
    members.abort_all();
    members.waits().clear();
    const Nanoseconds gone = now_ns();
    members.open(users, users, 1);
    report.add("all_back_after_s", seconds(now_ns() - gone));
    report.add("back_p50_s", seconds(members.waits().quantile(0.5)));
    report.add("back_p99_s", seconds(members.waits().quantile(0.99)));
    watch.watch(options.seconds);
    report.add("joins", watch.joins());
    report.add("false_leaves", watch.leaves());
    if (watch.joins() != users || watch.leaves() != 0)
        report.fail("the watcher saw " + std::to_string(watch.joins()) + " joins and " +
                    std::to_string(watch.leaves()) + " leaves");
    members.abort_all();
}

void run_crash(const Options& options,
               Target target,
               const ProcessStats& /*stats*/,
               Report& report) {
    if (options.traffic.reader_ports.size() < 2 || options.pids.size() < 2)
        give_up("a crash needs a second node");
    const std::uint32_t users = options.traffic.readers;
    const auto channels = channel_names("r", options.traffic.channels);
    PresenceWatch watch(target, channels);
    watch.open();
    Members members(target, {options.traffic.reader_ports[1]}, channels);
    members.open(users, users);
    watch.wait_for(users, 0, 10);

    members.expect_closes();
    const Nanoseconds killed = now_ns();
    if (::kill(options.pids[1], SIGKILL) != 0) die("kill");
    watch.wait_for(users, users, options.seconds);
    watch.watch(1);  // in which a second leave of somebody would come
    report.add("first_leave_s", seconds(watch.first_leave() - killed));
    report.add("last_leave_s", seconds(watch.last_leave() - killed));
    report.add("leaves", watch.leaves());
    if (watch.joins() != users || watch.leaves() != users)
        report.fail("the watcher saw " + std::to_string(watch.joins()) + " joins and " +
                    std::to_string(watch.leaves()) + " leaves of " + std::to_string(users));
}

}  // namespace roomcast::bench

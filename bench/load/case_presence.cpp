// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "load/cases.hpp"
#include "load/members.hpp"

namespace roomcast::bench {

namespace {

/// Lets all users in, and reports what a join costs.
void let_in(Members& members,
            PresenceWatch& watch,
            std::uint32_t users,
            const ProcessStats& stats,
            Report& report) {
    constexpr std::uint32_t kAtOnce = 64;
    const CpuSample before = stats.cpu();
    members.open(users, kAtOnce);
    const CpuSample used = stats.cpu() - before;
    watch.wait_for(users, 0, 10);
    report.add_cpu(used, "join", users);
    report.add_rate(users, used.wall);
}

void check_events(const PresenceWatch& watch,
                  std::uint64_t joins,
                  std::uint64_t leaves,
                  Report& report) {
    if (watch.joins() == joins && watch.leaves() == leaves) return;
    report.fail("the watcher saw " + std::to_string(watch.joins()) + " joins and " +
                std::to_string(watch.leaves()) + " leaves, not " + std::to_string(joins) + " and " +
                std::to_string(leaves));
}

}  // namespace

void run_join(const Options& options, Target target, const ProcessStats& stats, Report& report) {
    const std::uint32_t users = options.traffic.readers;
    const auto channels = channel_names("r", 1);
    PresenceWatch watch(target, channels);
    watch.open();
    Members members(target, {}, channels);
    let_in(members, watch, users, stats, report);
    report.add_times("join", members.waits());

    PresenceWatch newcomer(target, channels);
    const Nanoseconds asked = now_ns();
    newcomer.open();
    newcomer.wait_for_roster(users, 10);
    report.add("roster_ms", to_seconds(now_ns() - asked) * 1e3);
    report.add("roster_users", newcomer.roster_users());
    report.add("rss_bytes", stats.memory().rss_bytes);
    watch.watch(options.seconds);
    check_events(watch, users, 0, report);
    if (newcomer.roster_users() != users) report.fail("a newcomer got another roster");
    members.abort_all();
}

void run_herd(const Options& options, Target target, const ProcessStats& stats, Report& report) {
    const std::uint32_t users = options.traffic.readers;
    const auto channels = channel_names("r", options.traffic.channels);
    PresenceWatch watch(target, channels);
    watch.open();
    Members members(target, options.traffic.reader_ports, channels);

    let_in(members, watch, users, stats, report);

    // Each comes back at another node: within the grace nobody has left.
    members.abort_all();
    members.waits().clear();
    const Nanoseconds gone = now_ns();
    members.open(users, users, 1);
    report.add("all_back_after_s", to_seconds(now_ns() - gone));
    report.add("back_p50_s", to_seconds(members.waits().quantile(0.5)));
    report.add("back_p99_s", to_seconds(members.waits().quantile(0.99)));
    watch.watch(options.seconds);
    report.add("joins", watch.joins());
    report.add("false_leaves", watch.leaves());
    check_events(watch, users, 0, report);
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
    report.add("first_leave_s", to_seconds(watch.first_leave() - killed));
    report.add("last_leave_s", to_seconds(watch.last_leave() - killed));
    report.add("leaves", watch.leaves());
    check_events(watch, users, users, report);
}

}  // namespace roomcast::bench

// SPDX-License-Identifier: Apache-2.0
// What the load generator can do to a server: docs/benchmarks.md says what each case is for.
#pragma once

#include "load/options.hpp"
#include "load/process_stats.hpp"
#include "load/report.hpp"
#include "load/traffic.hpp"

namespace roomcast::bench {

/// Readers and publishers at a rate or with a window, on one channel or many.
void run_fanout(const Options& options, Target target, const ProcessStats& stats, Report& report);

/// Opens many readers and lets them be idle: what a connection costs in CPU and in memory.
void run_connections(const Options& options,
                     Target target,
                     const ProcessStats& stats,
                     Report& report);

/// Steady traffic while visitors come, subscribe, subscribe again, unsubscribe and go.
void run_churn(const Options& options, Target target, const ProcessStats& stats, Report& report);

/// Steady traffic beside a heavy channel whose readers have stopped reading (or, as the control,
/// have not).
void run_stalled(const Options& options, Target target, const ProcessStats& stats, Report& report);

/// Users come and join channels, are all cut off, and all come back at once, at other nodes: what a
/// join costs, how long a herd takes, and whether anybody seems to have left.
void run_herd(const Options& options, Target target, const ProcessStats& stats, Report& report);

/// Users join one channel, 64 at a time: what a join costs while the roster grows, and how long a
/// newcomer waits for the whole of it.
void run_join(const Options& options, Target target, const ProcessStats& stats, Report& report);

/// Publications over HTTP, on keep-alive connections and pipelined.
void run_http(const Options& options, Target target, const ProcessStats& stats, Report& report);

/// Kills the second node, on which all members are: how long it takes until the last has left.
void run_crash(const Options& options, Target target, const ProcessStats& stats, Report& report);

/// Tests the checker without a server. Returns the number of failures, each printed.
[[nodiscard]] int run_self_test();

}  // namespace roomcast::bench

// SPDX-License-Identifier: Apache-2.0
// The result of a run: one JSON object on one line.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "load/histogram.hpp"
#include "load/ledger.hpp"
#include "load/process_stats.hpp"

namespace roomcast::bench {

class Report {
public:
    template <typename Number>
        requires std::is_arithmetic_v<Number>
    void add(std::string_view name, Number value) {
        add_number(name, static_cast<double>(value));
    }

    void add_tally(const Tally& tally);
    /// CPU seconds, and microseconds for each of `units` (deliveries, connections) as
    /// cpu_us_per_`unit`; softirq threads are counted to the server, a broker apart
    /// (broker_us_per_`unit`).
    void add_cpu(const CpuSample& used, std::string_view unit, std::uint64_t units);
    void add_rate(std::uint64_t units, Nanoseconds time);
    /// `name`_p50_ms, _p99_ms and _p999_ms.
    void add_times(std::string_view name, const Histogram& times);

    /// The run is void or has failed: `why` is kept, the program ends with status 1.
    void fail(std::string_view why);

    /// Prints the line. Returns the program's exit status.
    [[nodiscard]] int print() const;

private:
    void add_number(std::string_view name, double value);

    std::string fields_;
    std::string failures_;
};

}  // namespace roomcast::bench

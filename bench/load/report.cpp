// SPDX-License-Identifier: Apache-2.0
#include "load/report.hpp"

#include <array>
#include <cstdio>

namespace roomcast::bench {

void Report::add_number(std::string_view name, double value) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.10g", value);
    fields_.append("\"").append(name).append("\":").append(text.data()).append(",");
}

void Report::add_tally(const Tally& tally) {
    add("verified", tally.delivered);
    add("lost", tally.lost);
    add("doubled", tally.doubled);
    add("out_of_order", tally.out_of_order);
    add("stray", tally.stray);
    if (!tally.is_clean()) fail("lost, doubled, out of order or stray deliveries");
}

void Report::add_cpu(const CpuSample& used, std::string_view unit, std::uint64_t units) {
    add("server_cpu_s", to_seconds(used.server));
    add("softirq_cpu_s", to_seconds(used.softirq));
    add("generator_busy", static_cast<double>(used.generator) / static_cast<double>(used.wall));
    if (units == 0) return fail("nothing was measured");
    add(std::string("cpu_us_per_").append(unit),
        static_cast<double>(used.server + used.softirq) / 1e3 / static_cast<double>(units));
    if (used.broker == 0) return;
    add(std::string("broker_us_per_").append(unit),
        static_cast<double>(used.broker) / 1e3 / static_cast<double>(units));
}

void Report::add_rate(std::uint64_t units, Nanoseconds time) {
    if (time > 0) add("per_second", static_cast<double>(units) / to_seconds(time));
}

void Report::add_times(std::string_view name, const Histogram& times) {
    const auto add_quantile = [&](std::string_view suffix, double share) {
        add(std::string(name).append(suffix), to_seconds(times.quantile(share)) * 1e3);
    };
    add_quantile("_p50_ms", 0.5);
    add_quantile("_p99_ms", 0.99);
    add_quantile("_p999_ms", 0.999);
}

void Report::fail(std::string_view why) {
    if (failures_.find(why) != std::string::npos) return;
    if (!failures_.empty()) failures_ += "; ";
    for (const char c : why)
        failures_ += c == '"' || c == '\\' || c < ' ' ? '\'' : c;
}

int Report::print() const {
    std::printf("{%s\"failure\":\"%s\"}\n", fields_.c_str(), failures_.c_str());
    return failures_.empty() ? 0 : 1;
}

}  // namespace roomcast::bench

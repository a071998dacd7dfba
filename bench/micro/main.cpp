// SPDX-License-Identifier: Apache-2.0
// bench_micro [Google Benchmark's options]   times all cases
// bench_micro --describe                     the cases and what they were built with, as JSON
// bench_micro --count CASE ITERATIONS        runs one case so often and prints nothing
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <gnu/libc-version.h>
#include <simdjson.h>

#include "micro/cases.hpp"

namespace roomcast::micro {
namespace {

constexpr Case kCases[] = {
    {"nothing", nothing, 1, "iteration", 10'000},
    {"decode", decode, 1, "publication", 2'000},
    {"encode", encode, 1, "publication", 2'000},
    {"frame_head", frame_head, 1, "frame", 10'000},
    {"outbox_single", outbox_single, 1, "frame", 10'000},
    {"outbox_batch", outbox_batch, kBatch, "frame", 2'000},
    {"outbox_partial", outbox_partial, kBatch, "frame", 2'000},
    {"timer_wheel", timer_wheel, kTimers, "timer", 20},
    {"core_fan_out", core_fan_out, kSubscribers, "delivery", 100},
    {"gateway_fan_out", gateway_fan_out, kSubscribers, "delivery", 50},
    {"gateway_window", gateway_window, kWindow* kSubscribers, "delivery", 2},
    {"gateway_channels", gateway_channels, kChannels* kMembers, "delivery", 4},
};

void describe() {
    std::printf(
        "{\"toolchain\": {\"compiler\": \"%s %s\", \"libc\": \"%s\", \"simdjson\": \"%d.%d.%d\"},\n"
        " \"cases\": [",
#ifdef __clang__
        "clang",
#else
        "gcc",
#endif
        __VERSION__,
        gnu_get_libc_version(),
        simdjson::SIMDJSON_VERSION_MAJOR,
        simdjson::SIMDJSON_VERSION_MINOR,
        simdjson::SIMDJSON_VERSION_REVISION);
    const char* separator = "";
    for (const Case& one : kCases) {
        std::printf("%s\n  {\"name\": \"%s\", \"units\": %u, \"unit\": \"%s\", \"iterations\": %u}",
                    separator,
                    one.name,
                    one.units,
                    one.unit,
                    one.guard_iterations);
        separator = ",";
    }
    std::printf("]}\n");
}

/// Figures mean nothing under callgrind.
class NoReport final : public benchmark::BenchmarkReporter {
public:
    bool ReportContext(const Context& /*context*/) override { return true; }

    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) {
            if (!run.error_occurred) continue;
            std::fprintf(
                stderr, "%s: %s\n", run.benchmark_name().c_str(), run.error_message.c_str());
            has_failed = true;
        }
    }

    bool has_failed = false;
};

int count(std::string_view name, const char* iterations) {
    for (const Case& one : kCases) {
        if (one.name != name) continue;
        benchmark::RegisterBenchmark(one.name, one.body)
            ->Iterations(std::strtoll(iterations, nullptr, 10));
        NoReport report;
        benchmark::RunSpecifiedBenchmarks(&report);
        return report.has_failed ? 1 : 0;
    }
    std::fprintf(stderr, "no case of that name\n");
    return 2;
}

int measure(int argc, char** argv) {
    for (const Case& one : kCases)
        benchmark::RegisterBenchmark(one.name, one.body);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

}  // namespace
}  // namespace roomcast::micro

int main(int argc, char** argv) {
    const std::string_view option = argc > 1 ? argv[1] : "";
    if (option == "--describe") {
        roomcast::micro::describe();
        return 0;
    }
    if (option == "--count" && argc == 4) return roomcast::micro::count(argv[2], argv[3]);
    return roomcast::micro::measure(argc, argv);
}

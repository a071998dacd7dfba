// SPDX-License-Identifier: Apache-2.0
// Writes the Prometheus text format (version 0.0.4).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace roomcast::http {

/// Names and values are ours but for the values, which are escaped.
using MetricLabels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

/// Appends metrics to a string, one family behind the other.
class MetricsWriter {
public:
    explicit MetricsWriter(std::string& out) : out_(out) {}

    /// Starts a family: its HELP and TYPE. The samples that follow belong to it. `name` ends in
    /// `_total` for a counter, and in its unit where it has one.
    void family(std::string_view name, MetricKind kind, std::string_view help);
    void sample(std::uint64_t value, MetricLabels labels = {});
    void sample(double value, MetricLabels labels = {});

    /// A histogram of durations: upper bounds of the buckets in microseconds, and the counts of
    /// those and of one more bucket without bound, not cumulative. Written in seconds.
    void histogram(std::span<const std::uint64_t> bounds_microseconds,
                   std::span<const std::uint64_t> counts,
                   std::uint64_t sum_microseconds);

private:
    void line(std::string_view suffix, MetricLabels labels, std::string_view value);

    std::string& out_;
    std::string name_;
};

}  // namespace roomcast::http

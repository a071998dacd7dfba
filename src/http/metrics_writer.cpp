// SPDX-License-Identifier: Apache-2.0
#include "http/metrics_writer.hpp"

#include <array>
#include <charconv>

#include "util/assert.hpp"

namespace roomcast::http {
namespace {

std::string_view kind_name(MetricKind kind) {
    switch (kind) {
        case MetricKind::counter:
            return "counter";
        case MetricKind::gauge:
            return "gauge";
        case MetricKind::histogram:
            return "histogram";
    }
    return "untyped";
}

/// The shortest decimal text that reads back as the same number. Never with an exponent: buckets
/// are series, and "1e-04" would be another one than the "0.0001" that people ask for.
std::string number_text(double value) {
    // Enough for the longest double, though what we count has some 20 digits.
    std::array<char, 1'100> digits{};
    const auto written = std::to_chars(
        digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed);
    return std::string(digits.data(), written.ptr);
}

void append_label_value(std::string& out, std::string_view value) {
    for (const char c : value) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || c == '"') out += '\\';
        out += c;
    }
}

double seconds(std::uint64_t microseconds) {
    return static_cast<double>(microseconds) / 1e6;
}

}  // namespace

void MetricsWriter::family(std::string_view name, MetricKind kind, std::string_view help) {
    name_ = name;
    out_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    out_.append(name).append(" ").append(kind_name(kind)).append("\n");
}

void MetricsWriter::sample(std::uint64_t value, MetricLabels labels) {
    line("", labels, std::to_string(value));
}

void MetricsWriter::sample(double value, MetricLabels labels) {
    line("", labels, number_text(value));
}

void MetricsWriter::histogram(std::span<const std::uint64_t> bounds_microseconds,
                              std::span<const std::uint64_t> counts,
                              std::uint64_t sum_microseconds) {
    ASSERT(counts.size() == bounds_microseconds.size() + 1);
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < bounds_microseconds.size(); ++i) {
        total += counts[i];
        line("_bucket",
             {{"le", number_text(seconds(bounds_microseconds[i]))}},
             std::to_string(total));
    }
    total += counts.back();
    line("_bucket", {{"le", "+Inf"}}, std::to_string(total));
    line("_sum", {}, number_text(seconds(sum_microseconds)));
    line("_count", {}, std::to_string(total));
}

void MetricsWriter::line(std::string_view suffix, MetricLabels labels, std::string_view value) {
    out_.append(name_).append(suffix);
    if (labels.size() > 0) {
        char separator = '{';
        for (const auto& label : labels) {
            out_ += separator;
            out_.append(label.first).append("=\"");
            append_label_value(out_, label.second);
            out_ += '"';
            separator = ',';
        }
        out_ += '}';
    }
    out_.append(" ").append(value).append("\n");
}

}  // namespace roomcast::http

// SPDX-License-Identifier: Apache-2.0
#include "http/metrics.hpp"

#include <algorithm>
#include <array>

#include "codec/json_writer.hpp"
#include "http/metrics_writer.hpp"
#include "model/errc.hpp"

namespace roomcast::http {
namespace {

using Shards = std::span<const ShardMetrics* const>;
using CounterField = Counter ShardMetrics::*;

struct Family {
    std::string_view name;
    MetricKind kind;
    std::string_view help;
    CounterField counter;
};

constexpr MetricKind kCounter = MetricKind::counter;
constexpr MetricKind kGauge = MetricKind::gauge;

constexpr Family kFamilies[] = {
    {"roomcast_connections_opened_total",
     kCounter,
     "Connections accepted.",
     &ShardMetrics::connections_opened},
    {"roomcast_connections_closed_total",
     kCounter,
     "Connections that ended.",
     &ShardMetrics::connections_closed},
    {"roomcast_connections_refused_total",
     kCounter,
     "Connections over a connection limit.",
     &ShardMetrics::connections_refused},
    {"roomcast_handshakes_refused_total",
     kCounter,
     "WebSocket upgrades answered with an error.",
     &ShardMetrics::handshakes_refused},
    {"roomcast_http_requests_total",
     kCounter,
     "HTTP requests answered.",
     &ShardMetrics::http_requests},
    {"roomcast_received_bytes_total",
     kCounter,
     "Bytes read from clients.",
     &ShardMetrics::bytes_received},
    {"roomcast_sent_bytes_total", kCounter, "Bytes written to clients.", &ShardMetrics::bytes_sent},
    {"roomcast_send_calls_total",
     kCounter,
     "System calls that wrote to clients.",
     &ShardMetrics::send_calls},
    {"roomcast_slow_consumers_total",
     kCounter,
     "Connections closed because they read too slowly (close code 4008).",
     &ShardMetrics::slow_consumers},
    {"roomcast_protocol_errors_total",
     kCounter,
     "Connections closed for a breach of the WebSocket protocol (1002, 1007, 1009).",
     &ShardMetrics::protocol_errors},
    {"roomcast_deflate_input_bytes_total",
     kCounter,
     "Bytes of messages before they were compressed, each counted once a thread.",
     &ShardMetrics::deflate_input},
    {"roomcast_deflate_output_bytes_total",
     kCounter,
     "Bytes of those messages behind that.",
     &ShardMetrics::deflate_output},
    {"roomcast_outbox_bytes",
     kGauge,
     "Bytes that wait to be written to clients.",
     &ShardMetrics::outbox_bytes},
    {"roomcast_sessions", kGauge, "WebSocket sessions that are open.", &ShardMetrics::sessions},
    {"roomcast_subscriptions",
     kGauge,
     "Pairs of session and channel with a listen set.",
     &ShardMetrics::subscriptions},
    {"roomcast_channels", kGauge, "Channels that this node knows.", &ShardMetrics::channels},
    {"roomcast_presence_members",
     kGauge,
     "Pairs of channel and user that are present through this node.",
     &ShardMetrics::presence_members},
    {"roomcast_messages_received_total",
     kCounter,
     "Client messages of any type.",
     &ShardMetrics::messages_received},
    {"roomcast_publications_delivered_total",
     kCounter,
     "Publications that came from the broker to this node.",
     &ShardMetrics::publications_delivered},
    {"roomcast_deliveries_total",
     kCounter,
     "Publications handed to subscribers.",
     &ShardMetrics::deliveries},
    {"roomcast_presence_deliveries_total",
     kCounter,
     "Presence events handed to subscribers.",
     &ShardMetrics::presence_deliveries},
    {"roomcast_gaps_total",
     kCounter,
     "Places where a subscriber may have missed publications.",
     &ShardMetrics::gaps},
    {"roomcast_mailbox_refused_total",
     kCounter,
     "Entries that found a shard's mailbox full.",
     &ShardMetrics::mailbox_refused},
    {"roomcast_rate_limited_total",
     kCounter,
     "Client messages over the message rate.",
     &ShardMetrics::rate_limited},
    {"roomcast_idempotent_repeats_total",
     kCounter,
     "Publications answered with the result of an earlier one.",
     &ShardMetrics::idempotent_repeats},
};

std::uint64_t sum(Shards shards, CounterField counter) {
    // In two's complement: a level may be below zero on one shard and is right as a sum.
    std::uint64_t total = 0;
    for (const ShardMetrics* shard : shards)
        total += (shard->*counter).value();
    return total;
}

/// Opened less closed. The two are read one after the other, so a close may be seen first.
std::uint64_t open_connections(Shards shards) {
    const std::uint64_t closed = sum(shards, &ShardMetrics::connections_closed);
    const std::uint64_t opened = sum(shards, &ShardMetrics::connections_opened);
    return opened - std::min(opened, closed);
}

double longest_stall_seconds(Shards shards) {
    std::uint64_t longest = 0;
    for (const ShardMetrics* shard : shards) {
        longest = std::max(longest, shard->loop_stall_us_max.value());
    }
    return static_cast<double>(longest) / 1e6;
}

std::uint64_t errors(Shards shards, std::size_t errc) {
    std::uint64_t total = 0;
    for (const ShardMetrics* shard : shards)
        total += shard->errors[errc].value();
    return total;
}

void write_histogram(MetricsWriter& writer,
                     std::string_view name,
                     std::string_view help,
                     Shards shards,
                     DurationHistogram ShardMetrics::*histogram) {
    std::array<std::uint64_t, DurationHistogram::kBoundsMicroseconds.size() + 1> counts{};
    std::uint64_t sum_microseconds = 0;
    for (const ShardMetrics* shard : shards) {
        const DurationHistogram& durations = shard->*histogram;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            counts[i] += durations.buckets()[i].value();
        }
        sum_microseconds += durations.sum_microseconds();
    }
    writer.family(name, MetricKind::histogram, help);
    writer.histogram(DurationHistogram::kBoundsMicroseconds, counts, sum_microseconds);
}

void write_shards(MetricsWriter& writer, Shards shards) {
    writer.family("roomcast_connections", kGauge, "Connections that are open, of any kind.");
    writer.sample(open_connections(shards));
    for (const Family& family : kFamilies) {
        writer.family(family.name, family.kind, family.help);
        writer.sample(sum(shards, family.counter));
    }
    writer.family("roomcast_publications_received_total",
                  kCounter,
                  "Publications taken from clients and backends.");
    writer.sample(sum(shards, &ShardMetrics::publications_received), {{"source", "websocket"}});
    writer.sample(sum(shards, &ShardMetrics::publications_http), {{"source", "http"}});
    writer.family("roomcast_errors_total", kCounter, "Error messages sent to clients, by reason.");
    for (std::size_t errc = 0; errc < kErrcCount; ++errc) {
        writer.sample(errors(shards, errc), {{"reason", wire_reason(static_cast<Errc>(errc))}});
    }
    write_histogram(writer,
                    "roomcast_publish_to_socket_seconds",
                    "From taking a publication to writing it to a subscriber's socket.",
                    shards,
                    &ShardMetrics::publish_to_socket);
    write_histogram(writer,
                    "roomcast_loop_turn_seconds",
                    "One turn of a shard's event loop.",
                    shards,
                    &ShardMetrics::loop_turn);
    writer.family("roomcast_loop_stall_max_seconds",
                  kGauge,
                  "The longest turn of any shard's event loop since the start.");
    writer.sample(longest_stall_seconds(shards));
    writer.family("roomcast_shards", kGauge, "Threads that serve clients.");
    writer.sample(std::uint64_t{shards.size()});
}

void write_node(MetricsWriter& writer, const NodeFigures& node) {
    writer.family("roomcast_build_info", kGauge, "Always 1; the labels tell what is running.");
    writer.sample(std::uint64_t{1},
                  {{"version", node.version},
                   {"broker", node.broker},
                   {"presence_store", node.presence_store}});
    writer.family("roomcast_ready", kGauge, "1 while /readyz answers 200, else 0.");
    writer.sample(std::uint64_t{node.is_ready});
    writer.family("roomcast_log_lines_dropped_total",
                  kCounter,
                  "Log lines dropped by rate limits or because the output was too slow.");
    writer.sample(node.log_lines_dropped);
    // The names that Prometheus's client libraries use, so that ready-made dashboards work.
    writer.family("process_resident_memory_bytes", kGauge, "Resident memory size in bytes.");
    writer.sample(node.process.resident_bytes);
    writer.family("process_open_fds", kGauge, "Number of open file descriptors.");
    writer.sample(node.process.open_fds);
    writer.family("process_max_fds", kGauge, "Maximum number of open file descriptors.");
    writer.sample(node.process.max_fds);
    writer.family(
        "process_cpu_seconds_total", kCounter, "Total user and system CPU time spent in seconds.");
    writer.sample(node.process.cpu_seconds);
    writer.family("process_start_time_seconds",
                  kGauge,
                  "Start time of the process since unix epoch in seconds.");
    writer.sample(node.process.start_seconds);
}

void write_backends(MetricsWriter& writer, std::span<const Figure> figures) {
    std::string_view family;
    for (const Figure& figure : figures) {
        if (figure.name != family) {
            writer.family(figure.name, figure.is_counter ? kCounter : kGauge, figure.help);
            family = figure.name;
        }
        if (figure.label.empty()) {
            writer.sample(figure.value);
        } else {
            writer.sample(figure.value, {{figure.label, figure.label_value}});
        }
    }
}

struct StatsField {
    std::string_view name;
    CounterField counter;
};

constexpr StatsField kStatsFields[] = {
    {"sessions", &ShardMetrics::sessions},
    {"subscriptions", &ShardMetrics::subscriptions},
    {"channels", &ShardMetrics::channels},
    {"presence_members", &ShardMetrics::presence_members},
    {"messages_received", &ShardMetrics::messages_received},
    {"publications_received", &ShardMetrics::publications_received},
    {"publications_http", &ShardMetrics::publications_http},
    {"deliveries", &ShardMetrics::deliveries},
    {"bytes_received", &ShardMetrics::bytes_received},
    {"bytes_sent", &ShardMetrics::bytes_sent},
    {"outbox_bytes", &ShardMetrics::outbox_bytes},
    {"slow_consumers", &ShardMetrics::slow_consumers},
    {"rate_limited", &ShardMetrics::rate_limited},
    {"gaps", &ShardMetrics::gaps},
    {"http_requests", &ShardMetrics::http_requests},
};

}  // namespace

std::string metrics_text(Shards shards, const NodeFigures& node) {
    std::string text;
    text.reserve(12'288);
    MetricsWriter writer(text);
    write_shards(writer, shards);
    write_node(writer, node);
    write_backends(writer, node.backends);
    return text;
}

std::string stats_fields(Shards shards, const ProcessFigures& process) {
    std::string text;
    json::ObjectWriter writer(text);
    const auto add = [&writer](std::string_view name, std::uint64_t value) {
        writer.integer(name, static_cast<std::int64_t>(value));
    };
    add("shards", shards.size());
    add("connections", open_connections(shards));
    for (const StatsField& field : kStatsFields)
        add(field.name, sum(shards, field.counter));
    add("resident_bytes", process.resident_bytes);
    add("open_fds", process.open_fds);
    return text.substr(1);  // without the brace that the writer opened
}

}  // namespace roomcast::http

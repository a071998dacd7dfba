// SPDX-License-Identifier: Apache-2.0
#include "http/metrics.hpp"

#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/json.hpp"
#include "http/metrics_writer.hpp"

namespace roomcast::http {
namespace {

using testing::HasSubstr;

class MetricsTest : public testing::Test {
protected:
    std::string text() { return metrics_text(shards_, node_); }

    ShardMetrics first_;
    ShardMetrics second_;
    std::vector<const ShardMetrics*> shards_ = {&first_, &second_};
    NodeFigures node_{
        .version = "1.0.0", .broker = "memory", .presence_store = "memory", .process = {}};
};

TEST_F(MetricsTest, SumsTheShards) {
    first_.deliveries.add(3);
    second_.deliveries.add(4);
    EXPECT_THAT(text(), HasSubstr("\nroomcast_deliveries_total 7\n"));
}

TEST_F(MetricsTest, SumsALevelThatOneShardLowersForAnother) {
    first_.outbox_bytes.add(5);
    second_.outbox_bytes.subtract(2);
    EXPECT_THAT(text(), HasSubstr("\nroomcast_outbox_bytes 3\n"));
}

TEST_F(MetricsTest, CountsOpenConnections) {
    first_.connections_opened.add(3);
    first_.connections_closed.add(1);
    EXPECT_THAT(text(), HasSubstr("\nroomcast_connections 2\n"));
    second_.connections_closed.add(5);
    EXPECT_THAT(text(), HasSubstr("\nroomcast_connections 0\n"));
}

TEST_F(MetricsTest, TellsErrorsByReason) {
    second_.errors[static_cast<std::size_t>(Errc::rate_limited)].add(2);
    EXPECT_THAT(text(), HasSubstr("\nroomcast_errors_total{reason=\"rate_limited\"} 2\n"));
    EXPECT_THAT(text(), HasSubstr("\nroomcast_errors_total{reason=\"wrong_user\"} 0\n"));
}

TEST_F(MetricsTest, WritesHistogramsCumulativeAndInSeconds) {
    first_.publish_to_socket.record(40);
    second_.publish_to_socket.record(60, 2);
    second_.publish_to_socket.record(9'000'000);
    const std::string written = text();
    const std::string name = "\nroomcast_publish_to_socket_seconds";
    EXPECT_THAT(written, HasSubstr(name + "_bucket{le=\"0.00005\"} 1\n"));
    EXPECT_THAT(written, HasSubstr(name + "_bucket{le=\"0.0001\"} 3\n"));
    EXPECT_THAT(written, HasSubstr(name + "_bucket{le=\"2.5\"} 3\n"));
    EXPECT_THAT(written, HasSubstr(name + "_bucket{le=\"+Inf\"} 4\n"));
    EXPECT_THAT(written, HasSubstr(name + "_count 4\n"));
    EXPECT_THAT(written, HasSubstr(name + "_sum 9.00016\n"));
}

TEST_F(MetricsTest, ShowsTheLongestStallOfAnyShard) {
    first_.loop_stall_us_max.store(1'500);
    second_.loop_stall_us_max.store(2'500);
    EXPECT_THAT(text(), HasSubstr("\nroomcast_loop_stall_max_seconds 0.0025\n"));
}

TEST_F(MetricsTest, SaysWhatIsRunning) {
    node_.log_lines_dropped = 9;
    node_.process.resident_bytes = 4'096;
    const std::string written = text();
    EXPECT_THAT(written,
                HasSubstr("\nroomcast_build_info{version=\"1.0.0\",broker=\"memory\","
                          "presence_store=\"memory\"} 1\n"));
    EXPECT_THAT(written, HasSubstr("\nroomcast_log_lines_dropped_total 9\n"));
    EXPECT_THAT(written, HasSubstr("\nprocess_resident_memory_bytes 4096\n"));
    EXPECT_THAT(written, HasSubstr("\nroomcast_shards 2\n"));
}

/// What Prometheus's own parser and `promtool check metrics` ask for, line by line.
TEST_F(MetricsTest, KeepsToTheTextFormat) {
    const std::regex help(R"(# HELP ([a-z][a-z0-9_]*) ([A-Z0-9][^\\\n]*))");
    const std::regex type(R"(# TYPE ([a-z][a-z0-9_]*) (counter|gauge|histogram))");
    const std::regex sample(
        R"(([a-z][a-z0-9_]*)(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? [0-9.]+)");
    const std::string written = text();
    ASSERT_TRUE(written.ends_with('\n'));
    std::istringstream lines(written);
    std::set<std::string> families;
    std::set<std::string> series;
    std::string line;
    std::string family;
    std::string kind;
    bool awaits_type = false;
    std::smatch match;
    while (std::getline(lines, line)) {
        if (std::regex_match(line, match, help)) {
            family = match[1];
            EXPECT_TRUE(families.insert(family).second) << "twice: " << family;
            awaits_type = true;
        } else if (std::regex_match(line, match, type)) {
            EXPECT_TRUE(awaits_type) << line;
            EXPECT_EQ(match[1], family);
            kind = match[2];
            EXPECT_EQ(family.ends_with("_total"), kind == "counter") << family;
            EXPECT_TRUE(kind != "histogram" || family.ends_with("_seconds")) << family;
            awaits_type = false;
        } else {
            ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
            EXPECT_FALSE(awaits_type) << line;
            std::string name = match[1];
            if (kind == "histogram") name = name.substr(0, name.rfind('_'));
            EXPECT_EQ(name, family) << line;
            EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << "twice: " << line;
        }
    }
    EXPECT_GT(families.size(), 30U);
}

TEST(MetricsWriterTest, EscapesLabelValues) {
    std::string text;
    MetricsWriter writer(text);
    writer.family("a_info", MetricKind::gauge, "A.");
    writer.sample(std::uint64_t{1}, {{"version", "a\"b\\c\nd"}});
    EXPECT_EQ(text,
              "# HELP a_info A.\n# TYPE a_info gauge\na_info{version=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST(ProcessFiguresTest, KnowsThisProcess) {
    const ProcessFigures figures = read_process_figures();
    EXPECT_GT(figures.resident_bytes, 100'000U);
    EXPECT_GE(figures.open_fds, 3U);
    EXPECT_LE(figures.open_fds, figures.max_fds);
    EXPECT_GT(figures.start_seconds, 1.6e9);
    EXPECT_GE(figures.cpu_seconds, 0);
}

TEST_F(MetricsTest, GivesStatsAsFieldsOfAnObject) {
    first_.sessions.add(2);
    const json::PaddedString text("{" + stats_fields(shards_, {}) + "}");
    const auto stats = json::parse_object(text.text());
    ASSERT_TRUE(stats) << text.text();
    EXPECT_THAT(std::string(text.text()), HasSubstr(R"("sessions":2)"));
    EXPECT_THAT(std::string(text.text()), HasSubstr(R"("shards":2)"));
}

}  // namespace
}  // namespace roomcast::http

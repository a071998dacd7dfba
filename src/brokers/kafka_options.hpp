// SPDX-License-Identifier: Apache-2.0
// Where Kafka is, and how it is spoken to.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "brokers/home_side.hpp"
#include "net/loop.hpp"
#include "util/result.hpp"

namespace roomcast {

namespace kafka {

struct Sasl {
    bool is_on = false;
    std::string mechanism = "PLAIN";  // or SCRAM-SHA-256, SCRAM-SHA-512
    std::string username;
    std::string password;
};

struct Tls {
    bool is_on = false;
    std::string ca_file;  // PEM; empty: the certificates of the system
};

struct Access {
    std::vector<net::Endpoint> servers = {{"127.0.0.1", 9092}};  // the others are learnt from these
    std::string topic = "realtime-broadcast";
    /// Begins the name by which the cluster knows this process; nothing is kept under it.
    std::string group = "roomcast";
    Sasl sasl;
    Tls tls;
};

/// Reads `host:port,host:port`; without a port it is 9092. Error: a sentence.
[[nodiscard]] Outcome<std::vector<net::Endpoint>, std::string> parse_servers(std::string_view text);

/// `host:port,host:port`.
[[nodiscard]] std::string to_text(const std::vector<net::Endpoint>& servers);

/// What Kafka takes as the name of a topic.
[[nodiscard]] bool is_topic_name(std::string_view text);

}  // namespace kafka

struct KafkaBrokerOptions {
    kafka::Access access;
    std::chrono::milliseconds publish_timeout{2'000};
    /// How often the cluster is asked for the topic's partitions, which is its sign of life too.
    std::chrono::milliseconds probe_interval{3'000};
    /// For so long nothing may arrive of what a partition has before this node is not ready.
    std::chrono::milliseconds read_patience{5'000};
    /// For so long after a home first had no room, publications that are read wait for room;
    /// afterwards, until all has been read, those that find none are dropped, and told as gaps.
    std::chrono::milliseconds home_patience{10'000};
    /// How long a server holds a request for messages while there are none.
    std::chrono::milliseconds fetch_wait{100};
    HomeSideLimits limits;
};

}  // namespace roomcast

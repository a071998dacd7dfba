// SPDX-License-Identifier: Apache-2.0
// Where RabbitMQ is, and what the broker declares there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "brokers/home_side.hpp"
#include "util/result.hpp"

namespace roomcast {

namespace rabbitmq {

struct Address {
    bool is_tls = false;
    std::string host = "127.0.0.1";
    std::uint16_t port = 5672;
    std::string user = "guest";
    std::string password = "guest";
    std::string virtual_host = "/";

    friend bool operator==(const Address&, const Address&) = default;
};

/// Reads `amqp://[user[:password]@]host[:port][/virtual-host]`, or `amqps://…` for TLS. What is not
/// there is as in a new Address, the port 5671 with TLS, and an empty virtual host is `/`. User,
/// password and virtual host are percent-decoded. Error: a sentence that does not repeat the text,
/// which may hold a password.
[[nodiscard]] Outcome<Address, std::string> parse_url(std::string_view text);

/// The address for logs and dumps: without user and password.
[[nodiscard]] std::string to_text(const Address& address);

struct Topology {
    std::string exchange = "realtime";
    std::string exchange_type = "topic";  // or "direct": the keys are matched as they are
    /// Before `lane.<number>`, `control` and `probe.<node>`.
    std::string routing_key_prefix = "broadcast.";
    /// Each node has a queue of its own: `<this>.<random>`, or a name of the server's when empty.
    std::string queue;
    bool is_exclusive = true;    // the queue is for its connection alone
    bool is_auto_delete = true;  // it goes with its consumer
};

}  // namespace rabbitmq

struct RabbitmqBrokerOptions {
    rabbitmq::Address address;
    rabbitmq::Topology topology;
    std::string ca_file;  // PEM; empty: the certificates of the system
    std::chrono::milliseconds publish_timeout{2'000};
    /// Publications sent and not yet confirmed; more wait in this process.
    std::size_t confirm_window = 500;
    /// So often a message of its own must come back through the exchange; it is missed after two.
    std::chrono::milliseconds probe_interval{3'000};
    HomeSideLimits limits;
};

}  // namespace roomcast

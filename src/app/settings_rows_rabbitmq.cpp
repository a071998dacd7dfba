// SPDX-License-Identifier: Apache-2.0
// The broker on RabbitMQ.
#include <utility>

#include "app/settings_rows.hpp"

namespace roomcast::setting_rows {

namespace {

/// AMQP 0-9-1: names and keys have at most 255 bytes; something of ours follows a prefix.
constexpr std::size_t kMostNameBytes = 255;
constexpr std::size_t kMostPrefixBytes = 200;

Complaint take_name(std::string_view text, std::size_t most_bytes, std::string& field) {
    if (!is_plain_text(text) || text.size() > most_bytes) return std::string();
    if (text.starts_with("amq."))
        return std::string("names that begin with \"amq.\" are RabbitMQ's");
    field = std::string(text);
    return std::nullopt;
}

SettingRow url() {
    return secret(other(Group::brokers,
                        {"BROADCAST_RABBITMQ_URL",
                         "Where RabbitMQ is. User, password and virtual host are percent-encoded.",
                         "`amqp://guest:guest@127.0.0.1:5672/`"},
                        "",
                        "amqp://user:password@host:port/virtual-host, or amqps:// for TLS",
                        [](Settings& settings, std::string_view text) -> Complaint {
                            auto address = rabbitmq::parse_url(text);
                            if (!address) return address.error();
                            settings.rabbitmq = std::move(*address);
                            return std::nullopt;
                        }));
}

SettingRow ca_file() {
    return file(Group::brokers,
                {"BROADCAST_RABBITMQ_CA_FILE",
                 "Whom to trust with `amqps://`.",
                 "the certificates of the system"},
                [](Settings& settings) -> std::string& { return settings.rabbitmq_ca_file; });
}

SettingRow exchange() {
    return other(Group::brokers,
                 {"BROADCAST_RABBITMQ_EXCHANGE",
                  "A durable exchange, made unless it is there. Gateways of the base system on it "
                  "are not heard: use one of its own."},
                 "realtime",
                 "1 to 255 bytes without control characters",
                 [](Settings& settings, std::string_view text) -> Complaint {
                     return take_name(text, kMostNameBytes, settings.rabbitmq_topology.exchange);
                 });
}

SettingRow exchange_type() {
    return other(Group::brokers,
                 {"BROADCAST_RABBITMQ_EXCHANGE_TYPE",
                  "As the exchange is, where it is there already; both are as good."},
                 "topic",
                 "topic, direct (the others would not bring each node what it asks for)",
                 [](Settings& settings, std::string_view text) -> Complaint {
                     if (text != "topic" && text != "direct") return std::string();
                     settings.rabbitmq_topology.exchange_type = std::string(text);
                     return std::nullopt;
                 });
}

SettingRow routing_key_prefix() {
    return other(Group::brokers,
                 {"BROADCAST_RABBITMQ_ROUTING_KEY_PREFIX",
                  "Before `lane.<number>` (64 of them, which the channels share) and `control`."},
                 "broadcast.",
                 "1 to 200 bytes without control characters, `*` and `#`",
                 [](Settings& settings, std::string_view text) -> Complaint {
                     if (!is_plain_text(text) || text.size() > kMostPrefixBytes ||
                         text.find_first_of("*#") != std::string_view::npos) {
                         return std::string();
                     }
                     settings.rabbitmq_topology.routing_key_prefix = std::string(text);
                     return std::nullopt;
                 });
}

SettingRow queue() {
    return other(Group::brokers,
                 {"BROADCAST_RABBITMQ_QUEUE",
                  "Begins the name of each node's queue, `<this>.<random>`: one queue for several "
                  "nodes would share the messages out.",
                  "a name of RabbitMQ's"},
                 "",
                 "1 to 200 bytes without control characters",
                 [](Settings& settings, std::string_view text) -> Complaint {
                     return take_name(text, kMostPrefixBytes, settings.rabbitmq_topology.queue);
                 });
}

SettingRow queue_flag(const Words& words, bool rabbitmq::Topology::*member) {
    return flag(Group::brokers, words, [member](Settings& settings) -> bool& {
        return settings.rabbitmq_topology.*member;
    });
}

}  // namespace

void append_rabbitmq(std::vector<SettingRow>& rows) {
    rows.push_back(url());
    rows.push_back(ca_file());
    rows.push_back(exchange());
    rows.push_back(exchange_type());
    rows.push_back(routing_key_prefix());
    rows.push_back(queue());
    rows.push_back(queue_flag({"BROADCAST_RABBITMQ_QUEUE_EXCLUSIVE",
                               "A node's queue is for its connection alone, and ends with it."},
                              &rabbitmq::Topology::is_exclusive));
    rows.push_back(
        queue_flag({"BROADCAST_RABBITMQ_QUEUE_AUTO_DELETE",
                    "A node's queue ends when the node does not read it any more. Not `false` "
                    "together with the one above."},
                   &rabbitmq::Topology::is_auto_delete));
}

}  // namespace roomcast::setting_rows

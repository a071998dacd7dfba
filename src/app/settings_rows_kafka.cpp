// SPDX-License-Identifier: Apache-2.0
// The broker on Kafka.
#include <utility>

#include "app/settings_rows.hpp"

namespace roomcast::setting_rows {

namespace {

constexpr std::size_t kMostGroupBytes = 200;  // something of ours follows

SettingRow servers() {
    return other(Group::brokers,
                 {"BROADCAST_KAFKA_BROKERS",
                  "Some of the cluster's servers, with commas between them; the others are learnt "
                  "from these."},
                 "127.0.0.1:9092",
                 "host:port,host:port",
                 [](Settings& settings, std::string_view text) -> Complaint {
                     auto servers = kafka::parse_servers(text);
                     if (!servers) return servers.error();
                     settings.kafka.servers = std::move(*servers);
                     return std::nullopt;
                 });
}

SettingRow topic() {
    return other(Group::brokers,
                 {"BROADCAST_KAFKA_TOPIC",
                  "The topic of all channels. Unless it is there it is made, with 12 partitions. "
                  "Gateways of the base system on the same topic hear each other and these."},
                 "realtime-broadcast",
                 "1 to 249 letters, digits, '.', '_' and '-'",
                 [](Settings& settings, std::string_view text) -> Complaint {
                     if (!kafka::is_topic_name(text)) return std::string();
                     settings.kafka.topic = std::string(text);
                     return std::nullopt;
                 });
}

SettingRow group() {
    return other(Group::brokers,
                 {"BROADCAST_KAFKA_GROUP",
                  "Begins the name by which Kafka knows a node, `<this>-<random>`. No group is "
                  "joined: each node reads everything, and no offsets are kept."},
                 "roomcast",
                 "1 to 200 bytes without control characters",
                 [](Settings& settings, std::string_view text) -> Complaint {
                     if (!is_plain_text(text) || text.size() > kMostGroupBytes) {
                         return std::string();
                     }
                     settings.kafka.group = std::string(text);
                     return std::nullopt;
                 });
}

SettingRow login_text(const Words& words, std::string kafka::Sasl::*member) {
    return text(Group::brokers, words, [member](Settings& settings) -> std::string& {
        return settings.kafka.sasl.*member;
    });
}

SettingRow mechanism() {
    return other(Group::brokers,
                 {"BROADCAST_KAFKA_SASL_MECHANISM", "How the password is proved."},
                 "PLAIN",
                 "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
                 [](Settings& settings, std::string_view text) -> Complaint {
                     if (text != "PLAIN" && text != "SCRAM-SHA-256" && text != "SCRAM-SHA-512") {
                         return std::string();
                     }
                     settings.kafka.sasl.mechanism = std::string(text);
                     return std::nullopt;
                 });
}

}  // namespace

void append_kafka(std::vector<SettingRow>& rows) {
    rows.push_back(servers());
    rows.push_back(topic());
    rows.push_back(group());
    rows.push_back(flag(Group::brokers,
                        {"BROADCAST_KAFKA_SASL_ENABLED", "Log in with a user name and a password."},
                        [](Settings& settings) -> bool& { return settings.kafka.sasl.is_on; }));
    rows.push_back(mechanism());
    rows.push_back(
        login_text({"BROADCAST_KAFKA_SASL_USERNAME", "Together with the password.", "unset"},
                   &kafka::Sasl::username));
    rows.push_back(secret(login_text({"BROADCAST_KAFKA_SASL_PASSWORD", "Of that user.", "unset"},
                                     &kafka::Sasl::password)));
    rows.push_back(flag(Group::brokers,
                        {"BROADCAST_KAFKA_TLS_ENABLED", "Speak TLS with the servers."},
                        [](Settings& settings) -> bool& { return settings.kafka.tls.is_on; }));
    rows.push_back(
        file(Group::brokers,
             {"BROADCAST_KAFKA_TLS_CA_FILE",
              "Whom to trust with TLS.",
              "the certificates of the system"},
             [](Settings& settings) -> std::string& { return settings.kafka.tls.ca_file; }));
}

}  // namespace roomcast::setting_rows

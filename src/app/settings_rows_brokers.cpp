// SPDX-License-Identifier: Apache-2.0
// What carries messages between nodes, and where presence is kept.
#include "app/settings_rows.hpp"

namespace roomcast::setting_rows {

namespace {

/// A setting of a broker that this build lacks: known, so that a start is refused for the right
/// reason, or warned about.
SettingRow not_built(Words words, std::string default_text = {}) {
    return other(Group::brokers,
                 std::move(words),
                 std::move(default_text),
                 "any text",
                 [](Settings&, std::string_view) -> Complaint { return std::nullopt; });
}

}  // namespace

void append_brokers(std::vector<SettingRow>& rows) {
    constexpr auto kGroup = Group::brokers;
    // Which kinds this build has is for refuse_what_is_not_built() to say, once all is known.
    rows.push_back(other(
        kGroup,
        {"BROADCAST_MQ_TYPE",
         "What carries messages between nodes. This build has `memory`: one node.",
         "`memory`; `redis` when `REDIS_ADDR` is set"},
        "",
        "memory, redis, nats, rabbitmq, kafka",
        [](Settings&, std::string_view text) -> Complaint {
            for (const std::string_view kind : {"memory", "redis", "nats", "rabbitmq", "kafka"}) {
                if (text == kind) return std::nullopt;
            }
            return std::string();
        }));
    rows.push_back(other(kGroup,
                         {"PRESENCE_STORE",
                          "Where presence is kept. This build has `memory`.",
                          "`memory`; `redis` when `REDIS_ADDR` is set or the broker is `redis`"},
                         "",
                         "memory, redis",
                         [](Settings&, std::string_view text) -> Complaint {
                             if (text == "memory" || text == "redis") return std::nullopt;
                             return std::string();
                         }));
    rows.push_back(not_built({"REDIS_ADDR", "Not in this build.", "unset"}));
    rows.push_back(secret(not_built({"REDIS_PASSWORD", "Not in this build.", "unset"})));
    rows.push_back(not_built({"REDIS_DB", "Not in this build."}, "0"));
    rows.push_back(not_built({"BROADCAST_MQ_ADDR", "Not in this build.", "`REDIS_ADDR`"}));
    rows.push_back(secret(not_built({"BROADCAST_MQ_PASSWORD", "Not in this build.", "unset"})));
    rows.push_back(not_built({"BROADCAST_MQ_DB", "Not in this build."}, "0"));
    // URLs may hold a password.
    rows.push_back(
        secret(not_built({"BROADCAST_NATS_URL", "Not in this build."}, "nats://127.0.0.1:4222")));
    rows.push_back(not_built({"BROADCAST_NATS_PREFIX", "Not in this build."}, "roomcast"));
    rows.push_back(secret(not_built({"BROADCAST_RABBITMQ_URL", "Not in this build.", "unset"})));
    rows.push_back(not_built({"BROADCAST_RABBITMQ_EXCHANGE", "Not in this build."}, "realtime"));
    rows.push_back(not_built({"BROADCAST_RABBITMQ_EXCHANGE_TYPE", "Not in this build."}, "topic"));
    rows.push_back(
        not_built({"BROADCAST_RABBITMQ_ROUTING_KEY_PREFIX", "Not in this build."}, "broadcast."));
    rows.push_back(not_built({"BROADCAST_RABBITMQ_QUEUE", "Not in this build.", "unset"}));
    rows.push_back(
        not_built({"BROADCAST_RABBITMQ_QUEUE_EXCLUSIVE", "Not in this build.", "unset"}));
    rows.push_back(
        not_built({"BROADCAST_RABBITMQ_QUEUE_AUTO_DELETE", "Not in this build.", "unset"}));
    rows.push_back(not_built({"BROADCAST_KAFKA_BROKERS", "Not in this build.", "unset"}));
    rows.push_back(
        not_built({"BROADCAST_KAFKA_TOPIC", "Not in this build."}, "realtime-broadcast"));
    rows.push_back(not_built({"BROADCAST_KAFKA_GROUP", "Not in this build.", "unset"}));
    rows.push_back(not_built({"BROADCAST_KAFKA_SASL_ENABLED", "Not in this build.", "unset"}));
    rows.push_back(not_built({"BROADCAST_KAFKA_SASL_USERNAME", "Not in this build.", "unset"}));
    rows.push_back(
        secret(not_built({"BROADCAST_KAFKA_SASL_PASSWORD", "Not in this build.", "unset"})));
    rows.push_back(not_built({"BROADCAST_KAFKA_TLS_ENABLED", "Not in this build.", "unset"}));
    rows.push_back(path(not_built({"BROADCAST_KAFKA_TLS_CA_FILE", "Not in this build.", "unset"})));
}

}  // namespace roomcast::setting_rows

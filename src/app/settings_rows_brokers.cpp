// SPDX-License-Identifier: Apache-2.0
// What carries messages between nodes, and where presence is kept.
#include <algorithm>
#include <iterator>
#include <utility>

#include "app/settings_rows.hpp"
#include "redis/address.hpp"

namespace roomcast::setting_rows {

namespace {

constexpr Bounds kDatabases{0, 65'535};

using RedisOf = RedisSettings Settings::*;

SettingRow redis_address(const Words& words, RedisOf redis) {
    return other(Group::brokers,
                 words,
                 "",
                 "host:port, redis://, rediss://, redis+sentinel://name@h1,h2 or "
                 "redis+cluster://h1,h2",
                 [redis](Settings& settings, std::string_view text) -> Complaint {
                     auto address = redis::parse_address(text);
                     if (!address) return address.error();
                     (settings.*redis).address = std::move(*address);
                     return std::nullopt;
                 });
}

SettingRow redis_password(const Words& words, RedisOf redis) {
    return secret(text(Group::brokers, words, [redis](Settings& settings) -> std::string& {
        return (settings.*redis).password;
    }));
}

SettingRow redis_database(const Words& words, RedisOf redis) {
    return other(Group::brokers,
                 words,
                 "",
                 "a whole number from 0 to 65535",
                 [redis](Settings& settings, std::string_view text) -> Complaint {
                     const auto number =
                         parse_whole_number(text, kDatabases.lowest, kDatabases.highest);
                     if (!number) return std::string();
                     (settings.*redis).database = static_cast<int>(*number);
                     return std::nullopt;
                 });
}

SettingRow redis_ca_file(const Words& words, RedisOf redis) {
    return file(Group::brokers, words, [redis](Settings& settings) -> std::string& {
        return (settings.*redis).ca_file;
    });
}

void append_redis(std::vector<SettingRow>& rows) {
    rows.push_back(redis_address({"REDIS_ADDR",
                                  "The Redis of presence, and of broadcasts too unless "
                                  "`BROADCAST_MQ_ADDR` names another. Redis 6 or later.",
                                  "`127.0.0.1:6379` where Redis is asked for, else unset"},
                                 &Settings::redis));
    rows.push_back(redis_password({"REDIS_PASSWORD", "Wins over one in the address.", "unset"},
                                  &Settings::redis));
    rows.push_back(redis_database(
        {"REDIS_DB", "Wins over one in the address; 0 in a Cluster.", "`0`"}, &Settings::redis));
    rows.push_back(redis_ca_file(
        {"REDIS_CA_FILE", "Whom to trust with `rediss://`.", "the certificates of the system"},
        &Settings::redis));
    rows.push_back(redis_address({"BROADCAST_MQ_ADDR", "The Redis of broadcasts.", "`REDIS_ADDR`"},
                                 &Settings::broker_redis));
    rows.push_back(redis_password({"BROADCAST_MQ_PASSWORD",
                                   "Of the Redis of broadcasts.",
                                   "`REDIS_PASSWORD` where `BROADCAST_MQ_ADDR` is unset"},
                                  &Settings::broker_redis));
    rows.push_back(redis_database(
        {"BROADCAST_MQ_DB",
         "Of the Redis of broadcasts, for idempotency keys: broadcasts know no databases.",
         "`REDIS_DB` where `BROADCAST_MQ_ADDR` is unset, else `0`"},
        &Settings::broker_redis));
    rows.push_back(redis_ca_file(
        {"BROADCAST_MQ_CA_FILE", "Whom to trust with `rediss://` there.", "`REDIS_CA_FILE`"},
        &Settings::broker_redis));
}

}  // namespace

void append_brokers(std::vector<SettingRow>& rows) {
    constexpr auto kGroup = Group::brokers;
    // What is worked out from other settings is for work_out_defaults(), once all is known.
    rows.push_back(other(
        kGroup,
        {"BROADCAST_MQ_TYPE",
         "What carries messages between nodes; `memory` is for one node alone.",
         "`memory`; `redis` when `REDIS_ADDR` is set"},
        "",
        "memory, redis, nats, rabbitmq, kafka",
        [](Settings& settings, std::string_view text) -> Complaint {
            constexpr std::string_view kKinds[] = {"memory", "redis", "nats", "rabbitmq", "kafka"};
            const auto* const kind = std::ranges::find(kKinds, text);
            if (kind == std::end(kKinds)) return std::string();
            settings.broker = static_cast<BrokerKind>(kind - std::begin(kKinds));
            return std::nullopt;
        }));
    rows.push_back(other(kGroup,
                         {"PRESENCE_STORE",
                          "Where presence is kept: with `memory` each node has a list of its own.",
                          "`memory`; `redis` when `REDIS_ADDR` is set or the broker is `redis`"},
                         "",
                         "memory, redis",
                         [](Settings& settings, std::string_view text) -> Complaint {
                             if (text != "memory" && text != "redis") return std::string();
                             settings.presence_store =
                                 text == "redis" ? StoreKind::redis : StoreKind::memory;
                             return std::nullopt;
                         }));
    append_redis(rows);
    append_nats(rows);
    append_rabbitmq(rows);
    append_kafka(rows);
}

}  // namespace roomcast::setting_rows

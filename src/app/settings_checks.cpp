// SPDX-License-Identifier: Apache-2.0
#include "app/settings_checks.hpp"

#include <algorithm>
#include <array>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

#include "app/settings_parse.hpp"
#include "app/settings_sources.hpp"
#include "app/settings_table.hpp"
#include "util/assert.hpp"

namespace roomcast {

namespace {

constexpr std::string_view kDefaultOrigin = "default";
/// RFC 7518 section 3.2: a key for HS256 has at least the size of the hash.
constexpr std::size_t kLeastSecretBytes = 32;
/// An outbox or mailbox holds at least so many messages of the largest size.
constexpr std::size_t kLeastMessages = 4;
/// Files that the process opens besides its clients' connections, with room to spare.
constexpr std::size_t kReservedFiles = 256;

/// `Loaded` is LoadedSettings, constant or not.
template <class Loaded>
auto& find(Loaded& loaded, std::string_view variable) {
    const auto found = std::find_if(
        loaded.effective.begin(),
        loaded.effective.end(),
        [variable](const EffectiveSetting& setting) { return setting.row->variable == variable; });
    ASSERT(found != loaded.effective.end());
    return *found;
}

bool is_given(const LoadedSettings& loaded, std::string_view variable) {
    return find(loaded, variable).origin != kDefaultOrigin;
}

SettingsError complain(const LoadedSettings& loaded,
                       std::string_view variable,
                       const std::string& problem) {
    const EffectiveSetting& setting = find(loaded, variable);
    return {name_setting(*setting.row, {setting.text, setting.origin}) + ": " + problem};
}

std::string default_node_name() {
    std::array<char, 256> host{};
    // Cut names are not always terminated (gethostname(2)): the last byte stays 0.
    if (::gethostname(host.data(), host.size() - 1) != 0 || !is_plain_text(host.data())) {
        return "roomcast-" + std::to_string(::getpid());
    }
    return std::string(host.data()) + "-" + std::to_string(::getpid());
}

/// As many connections as the limit on open files leaves.
std::size_t default_connections() {
    rlimit files{};
    // Without an answer, or without a limit, what the setting itself allows.
    constexpr std::size_t kMost = 10'000'000;
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return kMost;
    const std::size_t most = std::min<std::size_t>(files.rlim_cur, kMost);
    return most > 2 * kReservedFiles ? most - kReservedFiles : std::max<std::size_t>(most / 2, 1);
}

std::optional<SettingsError> check_tls(const LoadedSettings& loaded) {
    const Settings& settings = loaded.settings;
    if (settings.tls_cert_file.empty() == settings.tls_key_file.empty()) return std::nullopt;
    const bool has_certificate = settings.tls_key_file.empty();
    return complain(loaded,
                    has_certificate ? "TLS_CERT_FILE" : "TLS_KEY_FILE",
                    std::string(has_certificate ? "TLS_KEY_FILE" : "TLS_CERT_FILE") +
                        " is missing; allowed: both or neither");
}

bool allows_kind(const AlgorithmSet& algorithms, KeyKind kind) {
    constexpr std::array kAll = {Algorithm::hs256,
                                 Algorithm::hs384,
                                 Algorithm::hs512,
                                 Algorithm::rs256,
                                 Algorithm::es256,
                                 Algorithm::eddsa};
    return std::any_of(kAll.begin(), kAll.end(), [&](Algorithm algorithm) {
        return algorithms.contains(algorithm) && key_kind(algorithm) == kind;
    });
}

std::optional<SettingsError> check_jwt(const LoadedSettings& loaded) {
    const JwtSettings& jwt = loaded.settings.jwt;
    if (!jwt.previous_secret.empty() && jwt.secret.empty()) {
        return complain(loaded, "JWT_SECRET_PREVIOUS", "allowed: only together with JWT_SECRET");
    }
    if (!jwt.secret.empty() && !allows_kind(jwt.rules.algorithms, KeyKind::secret)) {
        return complain(
            loaded, "JWT_ALGORITHMS", "JWT_SECRET is set, which needs one of HS256, HS384, HS512");
    }
    for (const VerificationKey& key : jwt.public_keys) {
        if (!allows_kind(jwt.rules.algorithms, key.kind())) {
            return complain(
                loaded, "JWT_ALGORITHMS", "JWT_PUBLIC_KEY holds a key that none of these is for");
        }
    }
    if (!jwt.cookie.empty() && loaded.settings.allowed_origins.allows_any()) {
        return complain(loaded,
                        "JWT_COOKIE",
                        "any web page could use the cookie; allowed: only with an ALLOWED_ORIGINS "
                        "(or CORS_ALLOWED_ORIGINS) that is not \"*\"");
    }
    return std::nullopt;
}

std::optional<SettingsError> check_sizes(const LoadedSettings& loaded) {
    const Limits& limits = loaded.settings.limits;
    const auto at_least = [](std::size_t bytes, std::string_view why) {
        return "allowed: at least " + std::to_string(bytes) + ", " + std::string(why);
    };
    const std::size_t four_messages = kLeastMessages * limits.message_bytes;
    if (limits.outbox_bytes < four_messages) {
        return complain(
            loaded, "OUTBOX_BYTES", at_least(four_messages, "four times MAX_MESSAGE_BYTES"));
    }
    if (limits.mailbox_bytes < four_messages) {
        return complain(
            loaded, "MAILBOX_BYTES", at_least(four_messages, "four times MAX_MESSAGE_BYTES"));
    }
    if (limits.body_bytes < limits.message_bytes) {
        return complain(loaded,
                        "MAX_BODY_BYTES",
                        at_least(limits.message_bytes, "the value of MAX_MESSAGE_BYTES"));
    }
    return std::nullopt;
}

void warn_about_jwt(LoadedSettings& loaded) {
    const JwtSettings& jwt = loaded.settings.jwt;
    auto& warnings = loaded.warnings;
    const auto warn_if_weak = [&](std::string_view variable, const std::string& secret) {
        if (secret.empty() || secret.size() >= kLeastSecretBytes) return;
        warnings.emplace_back(std::string(variable) +
                              " has less than 32 bytes: tokens can be forged by guessing it");
    };
    warn_if_weak("JWT_SECRET", jwt.secret);
    warn_if_weak("JWT_SECRET_PREVIOUS", jwt.previous_secret);
    if (jwt.jwks_url.starts_with("http://")) {
        warnings.emplace_back(
            "JWT_JWKS_URL is not https: whoever can change the answer on its way "
            "can forge tokens");
    }
    if (jwt.is_on()) return;
    for (const std::string_view variable : {"JWT_ALGORITHMS",
                                            "JWT_USER_CLAIM",
                                            "JWT_AUDIENCE",
                                            "JWT_ISSUER",
                                            "JWT_LEEWAY_SECONDS",
                                            "JWT_CLOSE_ON_EXPIRY",
                                            "JWT_COOKIE"}) {
        if (!is_given(loaded, variable)) continue;
        warnings.emplace_back(std::string(variable) +
                              " has no effect: none of JWT_SECRET, JWT_PUBLIC_KEY and JWT_JWKS_URL "
                              "is set, so tokens are not checked");
    }
}

void warn_about_open_doors(LoadedSettings& loaded) {
    const Settings& settings = loaded.settings;
    if (settings.server_addr.is_loopback()) return;
    const std::string where =
        "SERVER_ADDR " + settings.server_addr.text() + " is reachable from other machines, and ";
    if (!settings.jwt.is_on()) {
        loaded.warnings.emplace_back(where +
                                     "clients need no token: anyone can be any user (set "
                                     "JWT_SECRET, JWT_PUBLIC_KEY or JWT_JWKS_URL)");
    }
    if (settings.is_api_open()) {
        loaded.warnings.emplace_back(where + "publishing over HTTP needs no key (set API_KEYS)");
    }
}

bool is_used(const Settings& settings, std::string_view variable) {
    const bool has_broker = settings.broker == BrokerKind::redis;
    if (variable == "BROADCAST_MQ_TYPE" || variable == "PRESENCE_STORE") return true;
    if (variable.starts_with("REDIS_")) {
        return has_broker || settings.presence_store == StoreKind::redis;
    }
    if (variable.starts_with("BROADCAST_NATS_")) return settings.broker == BrokerKind::nats;
    if (variable.starts_with("BROADCAST_RABBITMQ_")) return settings.broker == BrokerKind::rabbitmq;
    if (variable.starts_with("BROADCAST_KAFKA_")) return settings.broker == BrokerKind::kafka;
    return has_broker && (variable == "BROADCAST_MQ_ADDR" || variable == "BROADCAST_MQ_PASSWORD" ||
                          variable == "BROADCAST_MQ_DB" || variable == "BROADCAST_MQ_CA_FILE");
}

void warn_about_brokers(LoadedSettings& loaded) {
    const Settings& settings = loaded.settings;
    for (const EffectiveSetting& setting : loaded.effective) {
        const std::string& variable = setting.row->variable;
        if (setting.row->group != SettingGroup::brokers || setting.origin == kDefaultOrigin ||
            is_used(settings, variable)) {
            continue;
        }
        loaded.warnings.emplace_back(variable + " has no effect with the broker \"" +
                                     find(loaded, "BROADCAST_MQ_TYPE").text +
                                     "\" and the presence store \"" +
                                     find(loaded, "PRESENCE_STORE").text + "\"");
    }
    if (settings.broker != BrokerKind::memory && settings.presence_store == StoreKind::memory) {
        loaded.warnings.emplace_back(
            "PRESENCE_STORE is memory: each node keeps a presence list of its own, which holds the "
            "users of that node alone (set PRESENCE_STORE=redis)");
    }
    if (settings.broker == BrokerKind::memory && settings.presence_store != StoreKind::memory) {
        loaded.warnings.emplace_back(
            "BROADCAST_MQ_TYPE is memory: broadcasts do not leave this node, though presence is "
            "shared with others");
    }
}

/// The settings of one part win over what stands in the address.
void merge(RedisSettings& redis) {
    if (!redis.password.empty()) redis.address.password = redis.password;
    if (redis.database) redis.address.database = *redis.database;
}

void work_out_redis(LoadedSettings& loaded) {
    Settings& settings = loaded.settings;
    if (settings.redis.address.endpoints.empty()) {
        settings.redis.address = *redis::parse_address("127.0.0.1:6379");
    }
    merge(settings.redis);
    RedisSettings& broker = settings.broker_redis;
    if (broker.address.endpoints.empty()) broker.address = settings.redis.address;
    if (broker.ca_file.empty()) broker.ca_file = settings.redis.ca_file;
    merge(broker);
}

void work_out_backends(LoadedSettings& loaded) {
    Settings& settings = loaded.settings;
    const bool has_redis = is_given(loaded, "REDIS_ADDR");
    if (!is_given(loaded, "BROADCAST_MQ_TYPE")) {
        settings.broker = has_redis ? BrokerKind::redis : BrokerKind::memory;
        find(loaded, "BROADCAST_MQ_TYPE").text = has_redis ? "redis" : "memory";
    }
    if (!is_given(loaded, "PRESENCE_STORE")) {
        const bool is_redis = has_redis || settings.broker == BrokerKind::redis;
        settings.presence_store = is_redis ? StoreKind::redis : StoreKind::memory;
        find(loaded, "PRESENCE_STORE").text = is_redis ? "redis" : "memory";
    }
    work_out_redis(loaded);
}

std::optional<SettingsError> check_redis(const LoadedSettings& loaded) {
    const auto is_impossible = [](const redis::Address& address) {
        return address.mode == redis::Mode::cluster && address.database != 0;
    };
    const Settings& settings = loaded.settings;
    if (settings.presence_store == StoreKind::redis && is_impossible(settings.redis.address)) {
        return complain(loaded, "REDIS_DB", "a Cluster has one database; allowed: 0");
    }
    if (settings.broker == BrokerKind::redis && is_impossible(settings.broker_redis.address)) {
        return complain(loaded, "BROADCAST_MQ_DB", "a Cluster has one database; allowed: 0");
    }
    return std::nullopt;
}

/// Two that are of no use one without the other.
std::optional<SettingsError> check_pair(const LoadedSettings& loaded,
                                        const std::string& first,
                                        const std::string& second) {
    const bool has_first = is_given(loaded, first);
    if (has_first == is_given(loaded, second)) return std::nullopt;
    return complain(
        loaded, has_first ? first : second, "allowed: " + first + " and " + second + " together");
}

std::optional<SettingsError> check_nats(const LoadedSettings& loaded) {
    const NatsSettings& nats = loaded.settings.nats;
    if (loaded.settings.broker != BrokerKind::nats) return std::nullopt;
    const bool has_user = !nats.login.user.empty();
    if (auto error = check_pair(loaded, "BROADCAST_NATS_USER", "BROADCAST_NATS_PASSWORD")) {
        return error;
    }
    const bool has_token = !nats.login.token.empty();
    if (has_token && has_user) {
        return complain(
            loaded, "BROADCAST_NATS_TOKEN", "allowed: only without BROADCAST_NATS_USER");
    }
    if (!nats.creds_file.empty() && (has_user || has_token)) {
        return complain(loaded,
                        "BROADCAST_NATS_CREDS_FILE",
                        "allowed: only without BROADCAST_NATS_USER and BROADCAST_NATS_TOKEN");
    }
    return std::nullopt;
}

std::optional<SettingsError> check_rabbitmq(const LoadedSettings& loaded) {
    const rabbitmq::Topology& topology = loaded.settings.rabbitmq_topology;
    if (topology.is_exclusive || topology.is_auto_delete) return std::nullopt;
    return complain(loaded,
                    "BROADCAST_RABBITMQ_QUEUE_AUTO_DELETE",
                    "the queues of nodes that have ended would fill up; allowed: false only while "
                    "BROADCAST_RABBITMQ_QUEUE_EXCLUSIVE is true");
}

std::optional<SettingsError> check_kafka(const LoadedSettings& loaded) {
    const kafka::Access& kafka = loaded.settings.kafka;
    if (loaded.settings.broker != BrokerKind::kafka) return std::nullopt;
    const bool has_user = !kafka.sasl.username.empty();
    if (auto error =
            check_pair(loaded, "BROADCAST_KAFKA_SASL_USERNAME", "BROADCAST_KAFKA_SASL_PASSWORD")) {
        return error;
    }
    if (kafka.sasl.is_on && !has_user) {
        return complain(loaded,
                        "BROADCAST_KAFKA_SASL_ENABLED",
                        "allowed: true only together with BROADCAST_KAFKA_SASL_USERNAME and "
                        "BROADCAST_KAFKA_SASL_PASSWORD");
    }
    if (has_user && !kafka.sasl.is_on) {
        return complain(loaded,
                        "BROADCAST_KAFKA_SASL_USERNAME",
                        "allowed: only with BROADCAST_KAFKA_SASL_ENABLED=true");
    }
    if (!kafka.tls.ca_file.empty() && !kafka.tls.is_on) {
        return complain(loaded,
                        "BROADCAST_KAFKA_TLS_CA_FILE",
                        "allowed: only with BROADCAST_KAFKA_TLS_ENABLED=true");
    }
    return std::nullopt;
}

}  // namespace

void work_out_defaults(LoadedSettings& loaded) {
    Settings& settings = loaded.settings;
    if (!is_given(loaded, "SHARDS")) {
        settings.shards =
            static_cast<std::uint16_t>(std::clamp(std::thread::hardware_concurrency(), 1U, 64U));
        find(loaded, "SHARDS").text = std::to_string(settings.shards);
    }
    if (!is_given(loaded, "MAX_CONNECTIONS")) {
        settings.limits.connections = default_connections();
        find(loaded, "MAX_CONNECTIONS").text = std::to_string(settings.limits.connections);
    }
    if (!is_given(loaded, "NODE_NAME")) {
        settings.node_name = default_node_name();
        find(loaded, "NODE_NAME").text = settings.node_name;
    }
    if (!is_given(loaded, "ALLOWED_ORIGINS")) {
        settings.allowed_origins = settings.cors_origins;
        find(loaded, "ALLOWED_ORIGINS").text = find(loaded, "CORS_ALLOWED_ORIGINS").text;
    }
    work_out_backends(loaded);
}

std::optional<SettingsError> check_together(const LoadedSettings& loaded) {
    if (auto error = check_tls(loaded)) return error;
    if (auto error = check_jwt(loaded)) return error;
    if (auto error = check_sizes(loaded)) return error;
    if (auto error = check_redis(loaded)) return error;
    if (auto error = check_nats(loaded)) return error;
    if (auto error = check_rabbitmq(loaded)) return error;
    if (auto error = check_kafka(loaded)) return error;
    const Settings& settings = loaded.settings;
    if (settings.metrics_addr == settings.server_addr && settings.server_addr.port != 0) {
        return complain(loaded, "METRICS_ADDR", "allowed: another address than SERVER_ADDR");
    }
    return std::nullopt;
}

void add_warnings(LoadedSettings& loaded) {
    warn_about_jwt(loaded);
    warn_about_open_doors(loaded);
    warn_about_brokers(loaded);
}

}  // namespace roomcast

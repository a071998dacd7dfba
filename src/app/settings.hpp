// SPDX-License-Identifier: Apache-2.0
// What an operator can set, as typed values, and how they are read: flags, environment, `.env` and
// `roomcast.toml`. The names and rules of all settings are the table in settings_table.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/api_keys.hpp"
#include "auth/jwt.hpp"
#include "auth/key_set.hpp"
#include "auth/origin.hpp"
#include "brokers/kafka_options.hpp"
#include "brokers/nats_address.hpp"
#include "brokers/rabbitmq_options.hpp"
#include "gateway/peer_address.hpp"
#include "gateway/send_batch.hpp"
#include "http/router.hpp"
#include "model/limits.hpp"
#include "model/listen_address.hpp"
#include "redis/address.hpp"
#include "util/log.hpp"
#include "util/result.hpp"

namespace roomcast {

/// EX_CONFIG of sysexits.h: how a process ends whose settings are wrong.
inline constexpr int kExitBadSettings = 78;

/// How clients' tokens are checked. Empty texts are unset.
struct JwtSettings {
    std::string secret;           // JWT_SECRET: the `token` command signs with it
    std::string previous_secret;  // JWT_SECRET_PREVIOUS: still accepted
    std::vector<VerificationKey> public_keys;
    std::string jwks_url;
    JwtRules rules;
    bool is_closed_on_expiry = true;
    std::string cookie;

    /// JWT mode: nobody gets in without a token.
    [[nodiscard]] bool is_on() const {
        return !secret.empty() || !public_keys.empty() || !jwks_url.empty();
    }

    /// Secrets and public keys together: all but those behind `jwks_url`.
    [[nodiscard]] KeySet key_set() const;
};

enum class BrokerKind : std::uint8_t { memory, redis, nats, rabbitmq, kafka };
enum class StoreKind : std::uint8_t { memory, redis };

/// A Redis, and whom to trust there. The parts of the address that have settings of their own are
/// merged into it once all settings are known.
struct RedisSettings {
    redis::Address address;
    std::string password;  // empty: that of the address
    std::optional<int> database;
    std::string ca_file;  // PEM; empty: the certificates of the system
};

struct NatsSettings {
    std::vector<NatsServer> servers;
    std::string prefix;
    NatsLogin login;  // wins over those of the servers
    std::string creds_file;
    std::string ca_file;
};

/// All settings, checked. Constant after the start.
struct Settings {
    ListenAddress server_addr;
    std::optional<ListenAddress> metrics_addr;
    std::string tls_cert_file;  // empty: no TLS; set together with tls_key_file
    std::string tls_key_file;
    TrustedProxies trusted_proxies;

    std::string node_name;
    std::uint16_t shards = 1;
    IoUring io_uring = IoUring::automatic;
    bool is_deflate_on = false;  // permessage-deflate is accepted
    std::chrono::seconds drain{10};
    std::chrono::seconds drain_delay{0};

    OriginList cors_origins = *OriginList::parse("*");
    OriginList allowed_origins = *OriginList::parse("*");  // who may open a WebSocket
    JwtSettings jwt;
    ApiKeys api_keys;
    http::ApiAuth api_auth = http::ApiAuth::automatic;

    BrokerKind broker = BrokerKind::memory;
    StoreKind presence_store = StoreKind::memory;
    RedisSettings redis;         // of presence
    RedisSettings broker_redis;  // of broadcasts; the same one unless BROADCAST_MQ_ADDR is set
    NatsSettings nats;
    rabbitmq::Address rabbitmq;
    std::string rabbitmq_ca_file;  // PEM; empty: the certificates of the system
    rabbitmq::Topology rabbitmq_topology;
    kafka::Access kafka;

    std::chrono::seconds presence_ttl{60};
    Limits limits;

    log::Level log_level = log::Level::info;
    log::Format log_format = log::Format::automatic;

    /// Routes under `/api` take requests without a key.
    [[nodiscard]] bool is_api_open() const;
};

struct SettingRow;

/// One setting as it is in force.
struct EffectiveSetting {
    const SettingRow* row = nullptr;
    std::string text;    // secrets in clear: see shown_value()
    std::string origin;  // "default", "environment", ".env line 3", "flag --shards", …
};

struct LoadedSettings {
    Settings settings;
    std::vector<EffectiveSetting> effective;  // every setting, in the order of the table
    /// Sentences for the operator: the start goes on, but something is probably not meant so.
    std::vector<std::string> warnings;
};

/// Why settings cannot be used: one line for people that names the variable, where its value came
/// from, the value (masked where it is a secret) and what is allowed.
struct SettingsError {
    std::string message;
};

struct FileError {
    bool is_missing = false;
    std::string reason;  // "permission denied"
};

using FileReader = std::function<Outcome<std::string, FileError>(const std::string& path)>;

/// Reads a whole file of at most 1 MiB from the disk. A folder counts as missing.
[[nodiscard]] Outcome<std::string, FileError> read_small_file(const std::string& path);

/// Where settings come from, strongest first.
struct SettingsInput {
    /// By variable (or variable and `_FILE`): `SHARDS` for `--shards`.
    std::map<std::string, std::string, std::less<>> flags = {};
    const char* const* environment = nullptr;  // as `environ`; may be null
    /// Of `--config`. Empty: `roomcast.toml` in the working directory, where there is one.
    std::string config_path = {};
    FileReader read_file = read_small_file;
};

/// Reads and checks everything. Flags win over the environment, which wins over `.env`, which wins
/// over the TOML file, which wins over defaults.
[[nodiscard]] Outcome<LoadedSettings, SettingsError> load_settings(const SettingsInput& input);

}  // namespace roomcast

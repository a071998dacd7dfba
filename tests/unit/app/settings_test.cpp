// SPDX-License-Identifier: Apache-2.0
// What settings mean: values, defaults, and what is checked once all are known.
#include "app/settings.hpp"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "app/settings_table.hpp"
#include "tests/unit/app/settings_fixture.hpp"

namespace roomcast {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kEd25519Key =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n";

TEST(SettingsTableTest, EveryRowIsComplete) {
    for (const SettingRow& row : settings_table()) {
        EXPECT_FALSE(row.help.empty()) << row.variable;
        EXPECT_FALSE(row.allowed.empty()) << row.variable;
        EXPECT_NE(row.default_text.empty(), row.default_note.empty())
            << row.variable << " needs either a default or a note on it";
        EXPECT_TRUE(row.assign) << row.variable;
    }
}

TEST(SettingsTableTest, EveryNameIsUniqueAndNoServiceLinkOfKubernetes) {
    std::set<std::string> names;
    for (const SettingRow& row : settings_table()) {
        EXPECT_TRUE(names.insert(row.variable).second) << row.variable;
        EXPECT_FALSE(row.variable.ends_with("_PORT") || row.variable.ends_with("_HOST"))
            << row.variable;
        EXPECT_EQ(row.is_path, row.variable.ends_with("_FILE")) << row.variable;
    }
}

TEST(SettingsTableTest, EveryDefaultIsAllowed) {
    for (const SettingRow& row : settings_table()) {
        Settings settings;
        if (row.default_text.empty()) continue;
        EXPECT_EQ(row.assign(settings, row.default_text), std::nullopt) << row.variable;
    }
}

TEST(SettingsTableTest, EveryNumberIsRefusedBeyondItsBounds) {
    for (const SettingRow& row : settings_table()) {
        if (!row.allowed.starts_with("a whole number from ")) continue;
        Settings settings;
        for (const std::string text : {"-1", "x", "1.5", "", "99999999999999999999", "1 "}) {
            EXPECT_NE(row.assign(settings, text), std::nullopt) << row.variable << "=" << text;
        }
        const std::string highest = row.allowed.substr(row.allowed.rfind(' ') + 1);
        EXPECT_EQ(row.assign(settings, highest), std::nullopt) << row.variable << "=" << highest;
        EXPECT_NE(row.assign(settings, highest + "0"), std::nullopt) << row.variable;
    }
}

TEST(SettingsTableTest, HoldsEveryVariableOfTheProtocolPage) {
    for (const std::string_view variable : {"SERVER_ADDR",
                                            "REDIS_ADDR",
                                            "REDIS_PASSWORD",
                                            "REDIS_DB",
                                            "PRESENCE_TTL_SECONDS",
                                            "BROADCAST_MQ_TYPE",
                                            "BROADCAST_MQ_ADDR",
                                            "BROADCAST_MQ_PASSWORD",
                                            "BROADCAST_MQ_DB",
                                            "CORS_ALLOWED_ORIGINS",
                                            "JWT_SECRET",
                                            "JWT_USER_CLAIM",
                                            "BROADCAST_KAFKA_BROKERS",
                                            "BROADCAST_KAFKA_TOPIC",
                                            "BROADCAST_KAFKA_GROUP",
                                            "BROADCAST_KAFKA_SASL_ENABLED",
                                            "BROADCAST_KAFKA_SASL_MECHANISM",
                                            "BROADCAST_KAFKA_SASL_USERNAME",
                                            "BROADCAST_KAFKA_SASL_PASSWORD",
                                            "BROADCAST_KAFKA_TLS_ENABLED",
                                            "BROADCAST_KAFKA_TLS_CA_FILE",
                                            "BROADCAST_RABBITMQ_URL",
                                            "BROADCAST_RABBITMQ_CA_FILE",
                                            "BROADCAST_RABBITMQ_EXCHANGE",
                                            "BROADCAST_RABBITMQ_EXCHANGE_TYPE",
                                            "BROADCAST_RABBITMQ_ROUTING_KEY_PREFIX",
                                            "BROADCAST_RABBITMQ_QUEUE",
                                            "BROADCAST_RABBITMQ_QUEUE_EXCLUSIVE",
                                            "BROADCAST_RABBITMQ_QUEUE_AUTO_DELETE",
                                            "PRESENCE_STORE",
                                            "SHARDS",
                                            "IO_URING",
                                            "MAX_MESSAGE_BYTES",
                                            "MAX_BODY_BYTES",
                                            "MAX_META_BYTES",
                                            "MAX_CONNECTIONS",
                                            "MAX_CONNECTIONS_PER_IP",
                                            "MAX_SUBSCRIPTIONS",
                                            "MAX_PRESENCE_CHANNELS",
                                            "MESSAGE_RATE",
                                            "MESSAGE_BURST",
                                            "OUTBOX_BYTES",
                                            "PING_SECONDS",
                                            "PONG_SECONDS",
                                            "DRAIN_SECONDS",
                                            "DRAIN_DELAY_SECONDS",
                                            "PRESENCE_LEAVE_GRACE_MS",
                                            "PRESENCE_LOST_GRACE_MS",
                                            "PRESENCE_RATE",
                                            "IDEMPOTENCY_KEYS",
                                            "TRUSTED_PROXIES",
                                            "API_KEYS",
                                            "API_AUTH",
                                            "ALLOWED_ORIGINS",
                                            "JWT_COOKIE",
                                            "JWT_ALGORITHMS",
                                            "JWT_PUBLIC_KEY",
                                            "JWT_JWKS_URL",
                                            "JWT_AUDIENCE",
                                            "JWT_ISSUER",
                                            "JWT_LEEWAY_SECONDS",
                                            "JWT_CLOSE_ON_EXPIRY",
                                            "TLS_CERT_FILE",
                                            "TLS_KEY_FILE",
                                            "METRICS_ADDR",
                                            "WS_COMPRESSION",
                                            "LOG_LEVEL",
                                            "LOG_FORMAT",
                                            "NODE_NAME",
                                            "BROADCAST_NATS_URL",
                                            "BROADCAST_NATS_PREFIX",
                                            "BROADCAST_NATS_USER",
                                            "BROADCAST_NATS_PASSWORD",
                                            "BROADCAST_NATS_TOKEN",
                                            "BROADCAST_NATS_CREDS_FILE",
                                            "BROADCAST_NATS_CA_FILE"}) {
        EXPECT_NE(find_setting(variable).row, nullptr) << variable;
    }
}

TEST_F(SettingsTest, DefaultsAreThoseOfLimits) {
    const Settings settings = load_well().settings;
    const Limits limits;
    EXPECT_EQ(settings.limits.message_bytes, limits.message_bytes);
    EXPECT_EQ(settings.limits.outbox_bytes, limits.outbox_bytes);
    EXPECT_EQ(settings.limits.publish_timeout, limits.publish_timeout);
    EXPECT_GE(settings.shards, 1);
    EXPECT_GE(settings.limits.connections, 1U);
    EXPECT_FALSE(settings.jwt.is_on());
    EXPECT_FALSE(settings.node_name.empty());
    EXPECT_TRUE(settings.cors_origins.allows_any());
    EXPECT_TRUE(settings.allowed_origins.allows_any());
    EXPECT_EQ(settings.log_level, log::Level::info);
}

TEST_F(SettingsTest, TakesAsManyConnectionsAsTheLimitOnOpenFilesLeaves) {
    rlimit files{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
    const std::size_t connections = load_well().settings.limits.connections;
    EXPECT_GE(connections, 1U);
    EXPECT_LT(connections, files.rlim_max);
    environment_ = {{"MAX_CONNECTIONS", "7"}};
    EXPECT_EQ(load_well().settings.limits.connections, 7U);
}

TEST_F(SettingsTest, EachValueReachesItsField) {
    environment_ = {{"SERVER_ADDR", "[::1]:9000"},
                    {"METRICS_ADDR", "127.0.0.1:9001"},
                    {"IO_URING", "off"},
                    {"NODE_NAME", "a"},
                    {"DRAIN_SECONDS", "7"},
                    {"DRAIN_DELAY_SECONDS", "3"},
                    {"JWT_SECRET", kSecret},
                    {"JWT_SECRET_PREVIOUS", std::string(32, 'p')},
                    {"JWT_USER_CLAIM", "uid"},
                    {"JWT_AUDIENCE", "aud"},
                    {"JWT_ISSUER", "iss"},
                    {"JWT_LEEWAY_SECONDS", "1"},
                    {"JWT_ALGORITHMS", "HS512"},
                    {"JWT_CLOSE_ON_EXPIRY", "false"},
                    {"API_KEYS", "ci:s3cret"},
                    {"API_AUTH", "required"},
                    {"LOG_LEVEL", "debug"},
                    {"LOG_FORMAT", "json"},
                    {"PRESENCE_LEAVE_GRACE_MS", "5"},
                    {"IDEMPOTENCY_MINUTES", "9"},
                    {"PRESENCE_TTL_SECONDS", "30"},
                    {"MAX_CONNECTIONS", "1000"}};
    const Settings settings = load_well().settings;
    EXPECT_EQ(settings.server_addr, (ListenAddress{"::1", 9000}));
    EXPECT_EQ(settings.metrics_addr, (ListenAddress{"127.0.0.1", 9001}));
    EXPECT_EQ(settings.io_uring, IoUring::off);
    EXPECT_EQ(settings.node_name, "a");
    EXPECT_EQ(settings.drain, 7s);
    EXPECT_EQ(settings.drain_delay, 3s);
    EXPECT_EQ(settings.jwt.key_set().size(), 2U);
    EXPECT_EQ(settings.jwt.rules.claims.user_claim, "uid");
    EXPECT_EQ(settings.jwt.rules.claims.audience, "aud");
    EXPECT_EQ(settings.jwt.rules.claims.issuer, "iss");
    EXPECT_EQ(settings.jwt.rules.claims.leeway, 1s);
    EXPECT_EQ(settings.jwt.rules.algorithms, AlgorithmSet{Algorithm::hs512});
    EXPECT_FALSE(settings.jwt.is_closed_on_expiry);
    EXPECT_NE(settings.api_keys.find("s3cret"), nullptr);
    EXPECT_EQ(settings.api_auth, http::ApiAuth::required);
    EXPECT_EQ(settings.log_level, log::Level::debug);
    EXPECT_EQ(settings.log_format, log::Format::json);
    EXPECT_EQ(settings.limits.presence_leave_grace, 5ms);
    EXPECT_EQ(settings.limits.idempotency_ttl, 9min);
    EXPECT_EQ(settings.presence_ttl, 30s);
    EXPECT_EQ(settings.limits.connections, 1'000U);
}

TEST_F(SettingsTest, ARefusalNamesVariableValueSourceAndWhatIsAllowed) {
    struct Row {
        std::string variable;
        std::string value;
        std::string message;
    };

    for (const Row& row : {
             Row{"SHARDS", "0", "SHARDS=\"0\" (environment): allowed: a whole number from 1 to 64"},
             Row{"SHARDS",
                 "many",
                 "SHARDS=\"many\" (environment): allowed: a whole number from 1 to 64"},
             Row{"IO_URING", "maybe", "IO_URING=\"maybe\" (environment): allowed: auto, on, off"},
             Row{"LOG_LEVEL",
                 "LOUD",
                 "LOG_LEVEL=\"LOUD\" (environment): allowed: info, debug, warn, error"},
             Row{"JWT_CLOSE_ON_EXPIRY",
                 "maybe",
                 "JWT_CLOSE_ON_EXPIRY=\"maybe\" (environment): allowed: true, false"},
             Row{"BROADCAST_MQ_TYPE",
                 "zeromq",
                 "BROADCAST_MQ_TYPE=\"zeromq\" (environment): allowed: memory, redis, nats, "
                 "rabbitmq, kafka"},
         }) {
        environment_ = {{row.variable, row.value}};
        EXPECT_EQ(refusal(), row.message);
    }
}

TEST_F(SettingsTest, EveryKindOfValueIsChecked) {
    struct Row {
        std::string variable;
        std::string value;
    };

    for (const Row& row : {Row{"SERVER_ADDR", "8080"},
                           Row{"METRICS_ADDR", "x"},
                           Row{"TRUSTED_PROXIES", "10.0.0.0/33"},
                           Row{"NODE_NAME", "a\nb"},
                           Row{"JWT_PUBLIC_KEY", "hunter2"},
                           Row{"JWT_JWKS_URL", "ftp://a"},
                           Row{"JWT_ALGORITHMS", "none"},
                           Row{"JWT_COOKIE", "a b"},
                           Row{"ALLOWED_ORIGINS", "https://*.example"},
                           Row{"CORS_ALLOWED_ORIGINS", "a.example"},
                           Row{"API_KEYS", "hunter2"},
                           Row{"API_AUTH", "maybe"},
                           Row{"PRESENCE_STORE", "disk"},
                           Row{"WS_COMPRESSION", "gzip"},
                           Row{"LOG_FORMAT", "xml"}}) {
        environment_ = {{row.variable, row.value}};
        EXPECT_THAT(refusal(), testing::StartsWith(row.variable + "="));
        EXPECT_THAT(refusal(), Not(HasSubstr("\n")));
    }
}

TEST_F(SettingsTest, ARefusalNeverShowsASecret) {
    for (const std::string_view variable : {"JWT_PUBLIC_KEY", "API_KEYS"}) {
        environment_ = {{std::string(variable), "hunter2"}};
        EXPECT_THAT(refusal(), AllOf(HasSubstr("=********"), Not(HasSubstr("hunter2"))));
    }
    environment_ = {{"JWT_JWKS_URL", "https://user:hunter2@a/"}};
    EXPECT_THAT(refusal(), AllOf(HasSubstr("https://********@a/"), Not(HasSubstr("hunter2"))));
}

TEST_F(SettingsTest, ARefusalEscapesControlCharacters) {
    environment_ = {{"SHARDS", "1\n\x1b[2J"}};
    EXPECT_THAT(refusal(), HasSubstr("SHARDS=\"1\\n\\x1b[2J\""));
}

TEST_F(SettingsTest, ARedisAddressAloneSharesBroadcastsAndPresence) {
    environment_ = {{"REDIS_ADDR", "redis.internal"}, {"REDIS_PASSWORD", "p"}, {"REDIS_DB", "3"}};
    const LoadedSettings loaded = load_well();
    const Settings& settings = loaded.settings;
    EXPECT_EQ(settings.broker, BrokerKind::redis);
    EXPECT_EQ(settings.presence_store, StoreKind::redis);
    for (const RedisSettings& redis : {settings.redis, settings.broker_redis}) {
        EXPECT_EQ(redis.address.endpoints.at(0), (net::Endpoint{"redis.internal", 6379}));
        EXPECT_EQ(redis.address.password, "p");
        EXPECT_EQ(redis.address.database, 3);
    }
}

TEST_F(SettingsTest, BroadcastsMayHaveARedisOfTheirOwn) {
    environment_ = {{"REDIS_ADDR", "a:1"},
                    {"REDIS_PASSWORD", "p"},
                    {"BROADCAST_MQ_ADDR", "rediss://user:q@b:2"},
                    {"BROADCAST_MQ_DB", "1"}};
    const LoadedSettings loaded = load_well();
    const redis::Address& broker = loaded.settings.broker_redis.address;
    EXPECT_EQ(broker.endpoints.at(0), (net::Endpoint{"b", 2}));
    EXPECT_TRUE(broker.is_tls);
    EXPECT_EQ(broker.password, "q");
    EXPECT_EQ(broker.database, 1);
    EXPECT_EQ(loaded.settings.redis.address.endpoints.at(0), (net::Endpoint{"a", 1}));
}

TEST_F(SettingsTest, TheRedisBrokerAloneMeansTheLocalServer) {
    environment_ = {{"BROADCAST_MQ_TYPE", "redis"}};
    const LoadedSettings loaded = load_well();
    EXPECT_EQ(loaded.settings.broker_redis.address.endpoints.at(0),
              (net::Endpoint{"127.0.0.1", 6379}));
    EXPECT_EQ(loaded.settings.presence_store, StoreKind::redis);
}

TEST_F(SettingsTest, RefusesAnAddressThatIsNoneWithoutRepeatingItsPassword) {
    environment_ = {{"REDIS_ADDR", "redis://user:hun/ter2@"}};
    EXPECT_THAT(refusal(), AllOf(HasSubstr("REDIS_ADDR="), Not(HasSubstr("ter2"))));
    environment_ = {{"REDIS_ADDR", "redis+cluster://a:1"}, {"REDIS_DB", "1"}};
    EXPECT_THAT(refusal(), HasSubstr("REDIS_DB=\"1\" (environment): a Cluster has one database"));
}

TEST_F(SettingsTest, RefusesAPresenceTtlThatLeavesNoTimeForLeaseAndBeat) {
    environment_ = {{"PRESENCE_TTL_SECONDS", "4"}};
    EXPECT_THAT(refusal(), HasSubstr("PRESENCE_TTL_SECONDS=\"4\""));
    environment_ = {{"PRESENCE_TTL_SECONDS", "5"}};
    EXPECT_EQ(load_well().settings.presence_ttl, 5s);
}

TEST_F(SettingsTest, WarnsWherePresenceOrBroadcastsStayOnTheNode) {
    environment_ = {{"REDIS_ADDR", "a:1"}, {"PRESENCE_STORE", "memory"}};
    EXPECT_THAT(load_well().warnings, Contains(HasSubstr("PRESENCE_STORE is memory")));
    environment_ = {{"REDIS_ADDR", "a:1"}, {"BROADCAST_MQ_TYPE", "memory"}};
    EXPECT_THAT(load_well().warnings, Contains(HasSubstr("BROADCAST_MQ_TYPE is memory")));
}

TEST_F(SettingsTest, StartsWithRedisSettingsWhenTheyAreOverruled) {
    environment_ = {{"REDIS_ADDR", "a:1"},
                    {"REDIS_PASSWORD", "p"},
                    {"BROADCAST_MQ_TYPE", "memory"},
                    {"PRESENCE_STORE", "memory"}};
    EXPECT_THAT(load_well().warnings,
                AllOf(Contains(HasSubstr("REDIS_ADDR has no effect")),
                      Contains(HasSubstr("REDIS_PASSWORD has no effect"))));
}

TEST_F(SettingsTest, CompressesOnlyWhenTold) {
    EXPECT_FALSE(load_well().settings.is_deflate_on);
    environment_ = {{"WS_COMPRESSION", "on"}};
    EXPECT_TRUE(load_well().settings.is_deflate_on);
}

TEST_F(SettingsTest, NeedsBothFilesOfTlsOrNone) {
    environment_ = {{"TLS_CERT_FILE", "/c.pem"}};
    EXPECT_EQ(refusal(),
              "TLS_CERT_FILE=\"/c.pem\" (environment): TLS_KEY_FILE is missing; "
              "allowed: both or neither");
    environment_ = {{"TLS_KEY_FILE", "/k.pem"}};
    EXPECT_THAT(refusal(), HasSubstr("TLS_CERT_FILE is missing"));
    environment_["TLS_CERT_FILE"] = "/c.pem";
    EXPECT_EQ(load_well().settings.tls_key_file, "/k.pem");
}

TEST_F(SettingsTest, TakesACookieOnlyFromListedOrigins) {
    environment_ = {{"JWT_SECRET", kSecret}, {"JWT_COOKIE", "token"}};
    EXPECT_THAT(refusal(), HasSubstr("JWT_COOKIE=\"token\" (environment): any web page"));
    environment_["CORS_ALLOWED_ORIGINS"] = "https://a.example";
    EXPECT_EQ(load_well().settings.jwt.cookie, "token");
    environment_["ALLOWED_ORIGINS"] = "*";
    EXPECT_THAT(refusal(), HasSubstr("JWT_COOKIE"));
}

TEST_F(SettingsTest, OriginsOfWebSocketsAreThoseOfCorsUnlessTheyAreSet) {
    environment_ = {{"CORS_ALLOWED_ORIGINS", "https://a.example"}};
    EXPECT_FALSE(load_well().settings.allowed_origins.allows("https://b.example"));
    environment_["ALLOWED_ORIGINS"] = "https://b.example";
    const Settings settings = load_well().settings;
    EXPECT_TRUE(settings.allowed_origins.allows("https://b.example"));
    EXPECT_FALSE(settings.cors_origins.allows("https://b.example"));
}

TEST_F(SettingsTest, ReadsPublicKeysWithEscapedLineEnds) {
    std::string escaped(kEd25519Key);
    for (std::size_t at = 0; (at = escaped.find('\n', at)) != std::string::npos; at += 2) {
        escaped.replace(at, 1, "\\n");
    }
    for (const std::string& text : {std::string(kEd25519Key), escaped}) {
        environment_ = {{"JWT_PUBLIC_KEY", text}};
        EXPECT_EQ(load_well().settings.jwt.public_keys.size(), 1U);
    }
    environment_ = {{"JWT_PUBLIC_KEY_FILE", "/key.pem"}};
    files_["/key.pem"] = kEd25519Key;
    EXPECT_TRUE(load_well().settings.jwt.is_on());
}

TEST_F(SettingsTest, RefusesAlgorithmsThatNoKeyIsFor) {
    environment_ = {{"JWT_SECRET", kSecret}, {"JWT_ALGORITHMS", "RS256"}};
    EXPECT_THAT(refusal(), HasSubstr("JWT_ALGORITHMS=\"RS256\" (environment): JWT_SECRET is set"));
    environment_ = {{"JWT_PUBLIC_KEY", kEd25519Key}, {"JWT_ALGORITHMS", "RS256"}};
    EXPECT_THAT(refusal(), HasSubstr("JWT_PUBLIC_KEY holds a key that none of these is for"));
    environment_["JWT_ALGORITHMS"] = "RS256,EdDSA";
    EXPECT_EQ(refusal(), "");
}

TEST_F(SettingsTest, APreviousSecretNeedsANewOne) {
    environment_ = {{"JWT_SECRET_PREVIOUS", kSecret}};
    EXPECT_THAT(refusal(), HasSubstr("JWT_SECRET_PREVIOUS=******** (environment): allowed: only"));
}

TEST_F(SettingsTest, QueuesHoldAtLeastFourMessages) {
    environment_ = {{"MAX_MESSAGE_BYTES", "1048576"}};
    EXPECT_EQ(refusal(),
              "OUTBOX_BYTES=\"1048576\" (default): allowed: at least 4194304, four times "
              "MAX_MESSAGE_BYTES");
    environment_["OUTBOX_BYTES"] = "4194304";
    EXPECT_EQ(refusal(), "");
    environment_["MAILBOX_BYTES"] = "4194303";
    EXPECT_THAT(refusal(), HasSubstr("MAILBOX_BYTES"));
}

TEST_F(SettingsTest, ABodyHoldsAtLeastOneMessage) {
    environment_ = {{"MAX_BODY_BYTES", "65535"}};
    EXPECT_THAT(refusal(), HasSubstr("allowed: at least 65536, the value of MAX_MESSAGE_BYTES"));
}

TEST_F(SettingsTest, TheSecondListenerNeedsAnAddressOfItsOwn) {
    environment_ = {{"SERVER_ADDR", ":9000"}, {"METRICS_ADDR", ":9000"}};
    EXPECT_THAT(refusal(), HasSubstr("METRICS_ADDR"));
    environment_ = {{"SERVER_ADDR", ":0"}, {"METRICS_ADDR", ":0"}};
    EXPECT_EQ(refusal(), "");
}

TEST_F(SettingsTest, WarnsAboutSecretsThatCanBeGuessed) {
    environment_ = {{"JWT_SECRET", std::string(31, 'x')}};
    EXPECT_THAT(load_well().warnings, Contains(HasSubstr("JWT_SECRET has less than 32 bytes")));
    environment_ = {{"JWT_SECRET", std::string(32, 'x')}};
    EXPECT_THAT(load_well().warnings, IsEmpty());
}

TEST_F(SettingsTest, WarnsAboutTokenSettingsThatCheckNothing) {
    environment_ = {{"SERVER_ADDR", "127.0.0.1:1"}, {"JWT_AUDIENCE", "a"}};
    EXPECT_THAT(load_well().warnings,
                testing::ElementsAre(HasSubstr("JWT_AUDIENCE has no effect")));
}

TEST_F(SettingsTest, WarnsAboutAKeySetThatCanBeForgedOnItsWay) {
    environment_ = {{"JWT_JWKS_URL", "http://issuer/keys"}};
    EXPECT_THAT(load_well().warnings, Contains(HasSubstr("JWT_JWKS_URL is not https")));
}

TEST_F(SettingsTest, SaysWhenAnOpenServerListensBeyondLoopback) {
    EXPECT_THAT(load_well().warnings,
                AllOf(Contains(HasSubstr("clients need no token")),
                      Contains(HasSubstr("publishing over HTTP needs no key"))));
    environment_ = {{"SERVER_ADDR", "127.0.0.1:8080"}};
    EXPECT_THAT(load_well().warnings, IsEmpty());
    environment_ = {{"JWT_SECRET", kSecret}};
    EXPECT_THAT(load_well().warnings, IsEmpty());
    environment_["API_AUTH"] = "none";
    EXPECT_THAT(load_well().warnings,
                testing::ElementsAre(HasSubstr("publishing over HTTP needs no key")));
}

TEST_F(SettingsTest, TheApiIsOpenUntilKeysOrTokensAreSet) {
    EXPECT_TRUE(load_well().settings.is_api_open());
    environment_ = {{"API_KEYS", "a:b"}};
    EXPECT_FALSE(load_well().settings.is_api_open());
    environment_ = {{"JWT_SECRET", kSecret}};
    EXPECT_FALSE(load_well().settings.is_api_open());
    environment_ = {{"API_KEYS", "a:b"}, {"API_AUTH", "none"}};
    EXPECT_TRUE(load_well().settings.is_api_open());
    environment_ = {{"API_AUTH", "required"}};
    EXPECT_FALSE(load_well().settings.is_api_open());
}

}  // namespace
}  // namespace roomcast

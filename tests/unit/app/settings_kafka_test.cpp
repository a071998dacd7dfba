// SPDX-License-Identifier: Apache-2.0
// BROADCAST_KAFKA_*.
#include <gmock/gmock.h>

#include "tests/unit/app/settings_fixture.hpp"

namespace roomcast {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(SettingsTest, TheKafkaBrokerAloneMeansTheLocalServer) {
    environment_ = {{"BROADCAST_MQ_TYPE", "kafka"}};
    const LoadedSettings loaded = load_well();
    EXPECT_EQ(loaded.settings.broker, BrokerKind::kafka);
    EXPECT_EQ(loaded.settings.presence_store, StoreKind::memory);
    EXPECT_THAT(loaded.settings.kafka.servers, ElementsAre(net::Endpoint{"127.0.0.1", 9092}));
    EXPECT_EQ(loaded.settings.kafka.topic, "realtime-broadcast");
    EXPECT_FALSE(loaded.settings.kafka.sasl.is_on);
    EXPECT_FALSE(loaded.settings.kafka.tls.is_on);
    EXPECT_THAT(loaded.warnings, Contains(HasSubstr("PRESENCE_STORE is memory")));
    EXPECT_THAT(loaded.warnings, Not(Contains(HasSubstr("KAFKA"))));
}

TEST_F(SettingsTest, TakesWhatIsSetForKafka) {
    environment_ = {{"BROADCAST_MQ_TYPE", "kafka"},
                    {"BROADCAST_KAFKA_BROKERS", "k1,k2:9093, [::1]:9094"},
                    {"BROADCAST_KAFKA_TOPIC", "live.events_1-a"},
                    {"BROADCAST_KAFKA_GROUP", "gateway"},
                    {"BROADCAST_KAFKA_SASL_ENABLED", "true"},
                    {"BROADCAST_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"},
                    {"BROADCAST_KAFKA_SASL_USERNAME", "app"},
                    {"BROADCAST_KAFKA_SASL_PASSWORD", "p"},
                    {"BROADCAST_KAFKA_TLS_ENABLED", "true"},
                    {"BROADCAST_KAFKA_TLS_CA_FILE", "/etc/ca.pem"}};
    const LoadedSettings loaded = load_well();
    const kafka::Access& kafka = loaded.settings.kafka;
    EXPECT_THAT(
        kafka.servers,
        ElementsAre(
            net::Endpoint{"k1", 9092}, net::Endpoint{"k2", 9093}, net::Endpoint{"::1", 9094}));
    EXPECT_EQ(kafka.topic, "live.events_1-a");
    EXPECT_EQ(kafka.group, "gateway");
    EXPECT_TRUE(kafka.sasl.is_on);
    EXPECT_EQ(kafka.sasl.mechanism, "SCRAM-SHA-512");
    EXPECT_EQ(kafka.sasl.username, "app");
    EXPECT_EQ(kafka.sasl.password, "p");
    EXPECT_TRUE(kafka.tls.is_on);
    EXPECT_EQ(kafka.tls.ca_file, "/etc/ca.pem");
    EXPECT_THAT(loaded.warnings, Not(Contains(HasSubstr("KAFKA"))));
}

TEST_F(SettingsTest, RefusesWhatKafkaCannotBeAskedFor) {
    struct Row {
        std::string variable;
        std::string value;
    };

    for (const Row& row : {Row{"BROADCAST_KAFKA_BROKERS", "k1,,k2"},
                           Row{"BROADCAST_KAFKA_BROKERS", "k1:port"},
                           Row{"BROADCAST_KAFKA_BROKERS", "k1:9092,"},
                           Row{"BROADCAST_KAFKA_TOPIC", "a b"},
                           Row{"BROADCAST_KAFKA_TOPIC", ".."},
                           Row{"BROADCAST_KAFKA_TOPIC", std::string(250, 'x')},
                           Row{"BROADCAST_KAFKA_GROUP", "a\nb"},
                           Row{"BROADCAST_KAFKA_SASL_ENABLED", "perhaps"},
                           Row{"BROADCAST_KAFKA_SASL_ENABLED", "true"},
                           Row{"BROADCAST_KAFKA_SASL_MECHANISM", "GSSAPI"},
                           Row{"BROADCAST_KAFKA_SASL_USERNAME", "app"},
                           Row{"BROADCAST_KAFKA_SASL_PASSWORD", "hunter2"},
                           Row{"BROADCAST_KAFKA_TLS_ENABLED", "perhaps"},
                           Row{"BROADCAST_KAFKA_TLS_CA_FILE", "/etc/ca.pem"}}) {
        environment_ = {{"BROADCAST_MQ_TYPE", "kafka"}, {row.variable, row.value}};
        EXPECT_THAT(refusal(), AllOf(StartsWith(row.variable + "="), Not(HasSubstr("hunter2"))));
    }
    environment_ = {{"BROADCAST_MQ_TYPE", "kafka"},
                    {"BROADCAST_KAFKA_SASL_USERNAME", "app"},
                    {"BROADCAST_KAFKA_SASL_PASSWORD", "hunter2"}};
    EXPECT_THAT(refusal(), HasSubstr("only with BROADCAST_KAFKA_SASL_ENABLED=true"));
}

TEST_F(SettingsTest, WarnsAboutKafkaSettingsThatAreNotUsed) {
    environment_ = {{"BROADCAST_KAFKA_TOPIC", "x"}};
    EXPECT_THAT(load_well().warnings, Contains(StartsWith("BROADCAST_KAFKA_TOPIC has no effect")));
}

}  // namespace
}  // namespace roomcast

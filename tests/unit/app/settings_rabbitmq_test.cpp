// SPDX-License-Identifier: Apache-2.0
// BROADCAST_RABBITMQ_*.
#include <gmock/gmock.h>

#include "tests/unit/app/settings_fixture.hpp"

namespace roomcast {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(SettingsTest, TheRabbitmqBrokerAloneMeansTheLocalServer) {
    environment_ = {{"BROADCAST_MQ_TYPE", "rabbitmq"}};
    const LoadedSettings loaded = load_well();
    EXPECT_EQ(loaded.settings.broker, BrokerKind::rabbitmq);
    EXPECT_EQ(loaded.settings.presence_store, StoreKind::memory);
    EXPECT_EQ(loaded.settings.rabbitmq, *rabbitmq::parse_url("amqp://guest:guest@127.0.0.1:5672/"));
    EXPECT_EQ(loaded.settings.rabbitmq_topology.exchange, "realtime");
    EXPECT_EQ(loaded.settings.rabbitmq_topology.routing_key_prefix, "broadcast.");
    EXPECT_THAT(loaded.warnings, Contains(HasSubstr("PRESENCE_STORE is memory")));
    EXPECT_THAT(loaded.warnings, Not(Contains(HasSubstr("RABBITMQ"))));
}

TEST_F(SettingsTest, TakesWhatIsSetForRabbitmq) {
    environment_ = {{"BROADCAST_MQ_TYPE", "rabbitmq"},
                    {"BROADCAST_RABBITMQ_URL", "amqps://u:p%40@mq.internal/live"},
                    {"BROADCAST_RABBITMQ_CA_FILE", "/etc/ca.pem"},
                    {"BROADCAST_RABBITMQ_EXCHANGE", "roomcast"},
                    {"BROADCAST_RABBITMQ_EXCHANGE_TYPE", "direct"},
                    {"BROADCAST_RABBITMQ_ROUTING_KEY_PREFIX", "rc."},
                    {"BROADCAST_RABBITMQ_QUEUE", "gateway"},
                    {"BROADCAST_RABBITMQ_QUEUE_EXCLUSIVE", "false"},
                    {"BROADCAST_RABBITMQ_QUEUE_AUTO_DELETE", "true"}};
    const LoadedSettings loaded = load_well();
    const Settings& settings = loaded.settings;
    EXPECT_TRUE(settings.rabbitmq.is_tls);
    EXPECT_EQ(settings.rabbitmq.password, "p@");
    EXPECT_EQ(settings.rabbitmq.virtual_host, "live");
    EXPECT_EQ(settings.rabbitmq_ca_file, "/etc/ca.pem");
    EXPECT_EQ(settings.rabbitmq_topology.exchange, "roomcast");
    EXPECT_EQ(settings.rabbitmq_topology.exchange_type, "direct");
    EXPECT_EQ(settings.rabbitmq_topology.routing_key_prefix, "rc.");
    EXPECT_EQ(settings.rabbitmq_topology.queue, "gateway");
    EXPECT_FALSE(settings.rabbitmq_topology.is_exclusive);
    EXPECT_TRUE(settings.rabbitmq_topology.is_auto_delete);
    EXPECT_THAT(loaded.warnings, Not(Contains(HasSubstr("RABBITMQ"))));
}

TEST_F(SettingsTest, RefusesWhatRabbitmqCannotBeAskedFor) {
    struct Row {
        std::string variable;
        std::string value;
    };

    for (const Row& row : {Row{"BROADCAST_RABBITMQ_URL", "http://hunter2"},
                           Row{"BROADCAST_RABBITMQ_URL", "amqp://u:hunter2@h:port"},
                           Row{"BROADCAST_RABBITMQ_EXCHANGE", "amq.topic"},
                           Row{"BROADCAST_RABBITMQ_EXCHANGE", std::string(256, 'x')},
                           Row{"BROADCAST_RABBITMQ_EXCHANGE_TYPE", "fanout"},
                           Row{"BROADCAST_RABBITMQ_ROUTING_KEY_PREFIX", "a.#."},
                           Row{"BROADCAST_RABBITMQ_ROUTING_KEY_PREFIX", std::string(201, 'x')},
                           Row{"BROADCAST_RABBITMQ_QUEUE", "amq.gen"},
                           Row{"BROADCAST_RABBITMQ_QUEUE", "a\nb"},
                           Row{"BROADCAST_RABBITMQ_QUEUE_EXCLUSIVE", "perhaps"}}) {
        environment_ = {{"BROADCAST_MQ_TYPE", "rabbitmq"}, {row.variable, row.value}};
        EXPECT_THAT(refusal(), AllOf(StartsWith(row.variable + "="), Not(HasSubstr("hunter2"))));
    }
}

TEST_F(SettingsTest, RefusesQueuesThatNobodyWouldEverDelete) {
    environment_ = {{"BROADCAST_MQ_TYPE", "rabbitmq"},
                    {"BROADCAST_RABBITMQ_QUEUE_EXCLUSIVE", "false"},
                    {"BROADCAST_RABBITMQ_QUEUE_AUTO_DELETE", "false"}};
    EXPECT_THAT(refusal(),
                AllOf(StartsWith("BROADCAST_RABBITMQ_QUEUE_AUTO_DELETE=\"false\""),
                      HasSubstr("would fill up")));
}

TEST_F(SettingsTest, WarnsAboutRabbitmqSettingsThatAreNotUsed) {
    environment_ = {{"BROADCAST_RABBITMQ_QUEUE", "gateway"}};
    EXPECT_THAT(load_well().warnings,
                Contains(StartsWith("BROADCAST_RABBITMQ_QUEUE has no effect")));
}

}  // namespace
}  // namespace roomcast

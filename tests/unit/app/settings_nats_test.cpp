// SPDX-License-Identifier: Apache-2.0
// BROADCAST_NATS_*.
#include <gmock/gmock.h>

#include "tests/unit/app/settings_fixture.hpp"

namespace roomcast {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

TEST_F(SettingsTest, TheNatsBrokerAloneMeansTheLocalServer) {
    environment_ = {{"BROADCAST_MQ_TYPE", "nats"}};
    const LoadedSettings loaded = load_well();
    EXPECT_EQ(loaded.settings.broker, BrokerKind::nats);
    EXPECT_EQ(loaded.settings.presence_store, StoreKind::memory);
    EXPECT_EQ(loaded.settings.nats.servers, *parse_nats_urls("nats://127.0.0.1:4222"));
    EXPECT_EQ(loaded.settings.nats.prefix, "roomcast");
    EXPECT_THAT(loaded.warnings, Contains(HasSubstr("PRESENCE_STORE is memory")));
    EXPECT_THAT(loaded.warnings, Not(Contains(HasSubstr("NATS"))));
}

TEST_F(SettingsTest, TakesWhatIsSetForNats) {
    environment_ = {{"BROADCAST_MQ_TYPE", "nats"},
                    {"BROADCAST_NATS_URL", "nats://a,tls://b:1"},
                    {"BROADCAST_NATS_PREFIX", "live.chat"},
                    {"BROADCAST_NATS_USER", "app"},
                    {"BROADCAST_NATS_PASSWORD", "p w"},
                    {"BROADCAST_NATS_CA_FILE", "/etc/ca.pem"}};
    const LoadedSettings loaded = load_well();
    const NatsSettings& nats = loaded.settings.nats;
    EXPECT_EQ(nats.servers, *parse_nats_urls("nats://a,tls://b:1"));
    EXPECT_EQ(nats.prefix, "live.chat");
    EXPECT_EQ(nats.login, (NatsLogin{.user = "app", .password = "p w"}));
    EXPECT_EQ(nats.ca_file, "/etc/ca.pem");
}

TEST_F(SettingsTest, RefusesANatsUrlThatIsNoneWithoutRepeatingItsPassword) {
    environment_ = {{"BROADCAST_NATS_URL", "nats://u:hunter2@h:port"}};
    EXPECT_THAT(refusal(),
                AllOf(HasSubstr("BROADCAST_NATS_URL"),
                      HasSubstr("a port is no number"),
                      Not(HasSubstr("hunter2"))));
    environment_ = {{"BROADCAST_NATS_URL", "http://h"}};
    EXPECT_THAT(refusal(), HasSubstr("neither nats:// nor tls://"));
}

TEST_F(SettingsTest, RefusesANatsPrefixThatIsNoSubject) {
    for (const char* const prefix : {"a.*", ">", "a..b", ".a", "a.", "a b", "gr\u00fc\u00df"}) {
        environment_ = {{"BROADCAST_NATS_PREFIX", prefix}};
        EXPECT_THAT(refusal(), HasSubstr("BROADCAST_NATS_PREFIX"));
    }
}

TEST_F(SettingsTest, RefusesHalfALoginAndTwoLoginsOfNats) {
    environment_ = {{"BROADCAST_MQ_TYPE", "nats"}, {"BROADCAST_NATS_USER", "app"}};
    EXPECT_THAT(refusal(), HasSubstr("BROADCAST_NATS_USER=\"app\" (environment): allowed: "));
    environment_ = {{"BROADCAST_MQ_TYPE", "nats"}, {"BROADCAST_NATS_PASSWORD", "hunter2"}};
    EXPECT_THAT(refusal(), AllOf(HasSubstr("BROADCAST_NATS_PASSWORD"), Not(HasSubstr("hunter2"))));
    environment_ = {{"BROADCAST_MQ_TYPE", "nats"},
                    {"BROADCAST_NATS_USER", "app"},
                    {"BROADCAST_NATS_PASSWORD", "p"},
                    {"BROADCAST_NATS_TOKEN", "hunter2"}};
    EXPECT_THAT(refusal(), AllOf(HasSubstr("BROADCAST_NATS_TOKEN"), Not(HasSubstr("hunter2"))));
    environment_ = {{"BROADCAST_MQ_TYPE", "nats"},
                    {"BROADCAST_NATS_TOKEN", "t"},
                    {"BROADCAST_NATS_CREDS_FILE", "/a.creds"}};
    EXPECT_THAT(refusal(), HasSubstr("BROADCAST_NATS_CREDS_FILE"));
}

TEST_F(SettingsTest, WarnsOfNatsSettingsThatAnotherBrokerDoesNotUse) {
    environment_ = {{"BROADCAST_NATS_URL", "nats://h"}};
    EXPECT_THAT(load_well().warnings, Contains(HasSubstr("BROADCAST_NATS_URL has no effect")));
}

}  // namespace
}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The broker on Kafka: on the library's mock cluster, and with a real server.
#include "brokers/kafka.hpp"
#include "tests/contract/contract.hpp"
#include "tests/support/kafka_mock.hpp"
#include "tests/support/kafka_server.hpp"

namespace roomcast {
namespace {

constexpr const char* kTopic = "realtime-broadcast";

/// One cluster for all cases, from the first one on.
test::KafkaMock& mock() {
    static test::KafkaMock mock;
    static const bool kIsMade = (mock.create(kTopic), true);
    (void)kIsMade;
    return mock;
}

BrokerCase kafka_broker(ShardIndex shards, std::function<KafkaBrokerOptions()> options) {
    return {.name = "kafka",
            .order = BrokerOrder::per_channel,
            .shards = shards,
            .nodes = 3,
            .make = [options = std::move(options)] {
                return std::make_unique<KafkaBroker>(options());
            }};
}

BrokerCase on_mock(ShardIndex shards) {
    return kafka_broker(shards, [] { return mock().options(kTopic); });
}

INSTANTIATE_TEST_SUITE_P(KafkaMock,
                         BrokerContract,
                         testing::Values(on_mock(1), on_mock(4)),
                         case_name<BrokerCase>);

/// One real server for all cases. The topic is made by the first of them.
BrokerCase on_server(ShardIndex shards) {
    return kafka_broker(shards, [] {
        static test::KafkaServer server;
        return server.options(kTopic);
    });
}

/// None without a server to run them against.
std::vector<BrokerCase> on_servers() {
    if (test::KafkaServer::why_missing()) return {};
    return {on_server(1), on_server(4)};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BrokerContract);
INSTANTIATE_TEST_SUITE_P(Kafka,
                         BrokerContract,
                         testing::ValuesIn(on_servers()),
                         case_name<BrokerCase>);

}  // namespace
}  // namespace roomcast

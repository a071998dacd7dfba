// SPDX-License-Identifier: Apache-2.0
// RabbitMQ as a broker: one real server for all cases.
#include "brokers/rabbitmq.hpp"
#include "net/event_loop.hpp"
#include "tests/contract/contract.hpp"
#include "tests/support/rabbitmq_server.hpp"

namespace roomcast {
namespace {

net::EventLoop& bus() {
    static net::EventLoop loop("bus");
    return loop;
}

BrokerCase rabbitmq_broker(ShardIndex shards) {
    return {.name = "rabbitmq",
            .order = BrokerOrder::per_node,
            .shards = shards,
            .nodes = 3,
            .make = [] {
                RabbitmqBrokerOptions options;
                options.address.port = test::rabbitmq_server().port();
                return std::make_unique<RabbitmqBroker>(options, bus());
            }};
}

/// None without a server to run them against.
std::vector<BrokerCase> rabbitmq_brokers() {
    if (!test::RabbitmqServer::is_installed()) return {};
    return {rabbitmq_broker(1), rabbitmq_broker(4)};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BrokerContract);
INSTANTIATE_TEST_SUITE_P(Rabbitmq,
                         BrokerContract,
                         testing::ValuesIn(rabbitmq_brokers()),
                         case_name<BrokerCase>);

}  // namespace
}  // namespace roomcast

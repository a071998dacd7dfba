// SPDX-License-Identifier: Apache-2.0
// The broker on NATS, with a real server.
#include "brokers/nats.hpp"
#include "net/event_loop.hpp"
#include "tests/contract/contract.hpp"
#include "tests/support/nats_server.hpp"

namespace roomcast {
namespace {

/// One server and one bus thread for all cases, from the first one on.
struct NatsPeer {
    test::NatsServer server;
    net::EventLoop loop{"bus"};
};

NatsPeer& nats_peer() {
    static NatsPeer peer;
    return peer;
}

BrokerCase nats_broker(ShardIndex shards) {
    return {
        .name = "nats", .order = BrokerOrder::per_node, .shards = shards, .nodes = 3, .make = [] {
            NatsBrokerOptions options;
            options.servers = {{.endpoint = {"127.0.0.1", nats_peer().server.port()}}};
            return std::make_unique<NatsBroker>(std::move(options), nats_peer().loop);
        }};
}

/// None without a server to run them against.
std::vector<BrokerCase> nats_brokers() {
    if (!test::find_program("nats-server")) return {};
    return {nats_broker(1), nats_broker(4)};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BrokerContract);
INSTANTIATE_TEST_SUITE_P(Nats,
                         BrokerContract,
                         testing::ValuesIn(nats_brokers()),
                         case_name<BrokerCase>);

}  // namespace
}  // namespace roomcast

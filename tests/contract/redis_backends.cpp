// SPDX-License-Identifier: Apache-2.0
// Redis in its three modes: a server, a Cluster, and a master that sentinels name. Cases of the
// latter two share a CTest test, as their servers take seconds to start.
#include "brokers/redis.hpp"
#include "net/event_loop.hpp"
#include "stores/redis.hpp"
#include "stores/redis_scripts.hpp"
#include "tests/contract/contract.hpp"
#include "tests/support/redis_cluster.hpp"
#include "tests/support/redis_sentinels.hpp"

namespace roomcast {
namespace {

/// Starts the servers at the first call, for all cases.
using AddressMaker = redis::Address (*)();

redis::Address server_address() {
    static test::RedisServer server;
    redis::Address address;
    address.endpoints = {{"127.0.0.1", server.port()}};
    return address;
}

redis::Address cluster_address() {
    static test::RedisCluster cluster;
    return cluster.address();
}

redis::Address sentinels_address() {
    static test::RedisSentinels servers;
    return servers.address();
}

/// One bus thread for all cases.
net::EventLoop& bus() {
    static net::EventLoop loop("bus");
    return loop;
}

BrokerCase broker_case(const char* name, AddressMaker address, ShardIndex shards) {
    return {.name = name,
            .order = BrokerOrder::per_channel,
            .shards = shards,
            .nodes = 3,
            .make = [address] {
                RedisBrokerOptions options;
                options.client.address = address();
                // With a sanitizer, a burst of 80,000 takes longer than the usual deadline, after
                // which a connection counts as lost, and that is told as a gap.
                options.client.call_deadline = std::chrono::seconds(30);
                return std::make_unique<RedisBroker>(std::move(options), bus());
            }};
}

StoreCase store_case(const char* name, AddressMaker address, ShardIndex shards) {
    return {.name = name, .shards = shards, .make = [address](const Clock&) {
                redis::ClientOptions options;
                options.address = address();
                options.scripts = redis_presence_script_list();
                return make_redis_presence_store(
                    {}, bus(), redis::make_client(bus(), std::move(options)));
            }};
}

/// With one shard and with four; none without a server to run them against.
template <class Case>
std::vector<Case> cases(Case (*make)(const char*, AddressMaker, ShardIndex),
                        const char* name,
                        AddressMaker address) {
    if (!test::find_program("redis-server")) return {};
    return {make(name, address, 1), make(name, address, 4)};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BrokerContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PresenceStoreContract);

INSTANTIATE_TEST_SUITE_P(Redis,
                         BrokerContract,
                         testing::ValuesIn(cases(broker_case, "redis", server_address)),
                         case_name<BrokerCase>);
INSTANTIATE_TEST_SUITE_P(Redis,
                         PresenceStoreContract,
                         testing::ValuesIn(cases(store_case, "redis", server_address)),
                         case_name<StoreCase>);
INSTANTIATE_TEST_SUITE_P(RedisCluster,
                         BrokerContract,
                         testing::ValuesIn(cases(broker_case, "cluster", cluster_address)),
                         case_name<BrokerCase>);
INSTANTIATE_TEST_SUITE_P(RedisCluster,
                         PresenceStoreContract,
                         testing::ValuesIn(cases(store_case, "cluster", cluster_address)),
                         case_name<StoreCase>);
INSTANTIATE_TEST_SUITE_P(RedisSentinels,
                         BrokerContract,
                         testing::ValuesIn(cases(broker_case, "sentinels", sentinels_address)),
                         case_name<BrokerCase>);
INSTANTIATE_TEST_SUITE_P(RedisSentinels,
                         PresenceStoreContract,
                         testing::ValuesIn(cases(store_case, "sentinels", sentinels_address)),
                         case_name<StoreCase>);

}  // namespace
}  // namespace roomcast

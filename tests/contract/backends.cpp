// SPDX-License-Identifier: Apache-2.0
// The backends that run the contract suites. A new one is a line here.
#include "brokers/memory.hpp"
#include "brokers/redis.hpp"
#include "net/event_loop.hpp"
#include "stores/memory.hpp"
#include "stores/redis.hpp"
#include "stores/redis_scripts.hpp"
#include "tests/contract/contract.hpp"
#include "tests/support/redis_server.hpp"

namespace roomcast {
namespace {

BrokerCase memory_broker(ShardIndex shards) {
    return {.name = "memory",
            .order = BrokerOrder::per_channel,
            .shards = shards,
            .nodes = 1,
            .make = [] { return std::make_unique<MemoryBroker>(); }};
}

StoreCase memory_store(ShardIndex shards) {
    return {.name = "memory", .shards = shards, .make = [shards](const Clock& clock) {
                return std::make_unique<MemoryPresenceStore>(clock, shards);
            }};
}

INSTANTIATE_TEST_SUITE_P(Memory,
                         BrokerContract,
                         testing::Values(memory_broker(1), memory_broker(4)),
                         case_name<BrokerCase>);
INSTANTIATE_TEST_SUITE_P(Memory,
                         PresenceStoreContract,
                         testing::Values(memory_store(1), memory_store(4)),
                         case_name<StoreCase>);

/// One server and one bus thread for all cases, from the first one on.
struct RedisPeer {
    test::RedisServer server;
    net::EventLoop loop{"bus"};
};

RedisPeer& redis_peer() {
    static RedisPeer peer;
    return peer;
}

BrokerCase redis_broker(ShardIndex shards) {
    return {.name = "redis",
            .order = BrokerOrder::per_channel,
            .shards = shards,
            .nodes = 3,
            .make = [] {
                RedisBrokerOptions options;
                options.client.address.endpoints = {{"127.0.0.1", redis_peer().server.port()}};
                return std::make_unique<RedisBroker>(std::move(options), redis_peer().loop);
            }};
}

std::vector<BrokerCase> redis_brokers() {
    if (!test::find_program("redis-server")) return {};
    return {redis_broker(1), redis_broker(4)};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BrokerContract);
INSTANTIATE_TEST_SUITE_P(Redis,
                         BrokerContract,
                         testing::ValuesIn(redis_brokers()),
                         case_name<BrokerCase>);

StoreCase redis_store(ShardIndex shards) {
    return {.name = "redis", .shards = shards, .make = [](const Clock&) {
                RedisPeer& peer = redis_peer();
                redis::ClientOptions options;
                options.address.endpoints = {{"127.0.0.1", peer.server.port()}};
                options.scripts = redis_presence_script_list();
                return make_redis_presence_store(
                    {}, peer.loop, redis::make_client(peer.loop, std::move(options)));
            }};
}

/// None without a server to run them against.
std::vector<StoreCase> redis_stores() {
    if (!test::find_program("redis-server")) return {};
    return {redis_store(1), redis_store(4)};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PresenceStoreContract);
INSTANTIATE_TEST_SUITE_P(Redis,
                         PresenceStoreContract,
                         testing::ValuesIn(redis_stores()),
                         case_name<StoreCase>);

}  // namespace
}  // namespace roomcast

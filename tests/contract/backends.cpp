// SPDX-License-Identifier: Apache-2.0
// The embedded backends; each other kind has a file of its own.
#include "brokers/memory.hpp"
#include "stores/memory.hpp"
#include "tests/contract/contract.hpp"

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

}  // namespace
}  // namespace roomcast

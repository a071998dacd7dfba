// SPDX-License-Identifier: Apache-2.0
#include "app/backends.hpp"

#include "brokers/memory.hpp"
#include "stores/memory.hpp"

namespace roomcast {

std::unique_ptr<Broker> make_broker(const Settings&) {
    return std::make_unique<MemoryBroker>();
}

std::unique_ptr<PresenceStore> make_presence_store(const Settings& settings, const Clock& clock) {
    return std::make_unique<MemoryPresenceStore>(clock, settings.shards);
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// What the parts of the hub are given from outside.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "brokers/broker.hpp"
#include "model/ids.hpp"
#include "model/limits.hpp"
#include "protocol/dialect.hpp"
#include "stores/presence_store.hpp"
#include "util/clock.hpp"

namespace roomcast {

/// What all shards use; outlives the hub.
struct HubServices {
    const Limits& limits;
    const Clock& clock;
    const Dialect& dialect;
    Broker& broker;
    PresenceStore& presence;
    NodeId node_id;
    std::string node_name;
    std::string server_version;  // "roomcast/1.0.0"
    /// Told when broker and store come or go; from any thread. May be empty.
    std::function<void(bool is_connected, std::string_view detail)> on_broker_state = {};
    std::function<void(bool is_connected, std::string_view detail)> on_store_state = {};
};

}  // namespace roomcast

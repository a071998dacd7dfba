// SPDX-License-Identifier: Apache-2.0
// Which broker and which presence store this process uses: the one place that names them all.
#pragma once

#include <memory>
#include <string>

#include "app/settings.hpp"
#include "brokers/broker.hpp"
#include "net/event_loop.hpp"
#include "stores/presence_store.hpp"
#include "util/result.hpp"

namespace roomcast {

struct Backends {
    std::unique_ptr<net::EventLoop> bus;  // where one of the others needs it; outlives both
    std::unique_ptr<Broker> broker;
    std::unique_ptr<PresenceStore> store;
};

/// Error: a line for the operator, which names the setting.
[[nodiscard]] Outcome<Backends, std::string> make_backends(const Settings& settings,
                                                           const Clock& clock);

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Which broker and which presence store this process uses: the one place that names them all.
#pragma once

#include <memory>

#include "app/settings.hpp"
#include "brokers/broker.hpp"
#include "stores/presence_store.hpp"

namespace roomcast {

[[nodiscard]] std::unique_ptr<Broker> make_broker(const Settings& settings);
[[nodiscard]] std::unique_ptr<PresenceStore> make_presence_store(const Settings& settings,
                                                                 const Clock& clock);

}  // namespace roomcast

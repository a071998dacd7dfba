// SPDX-License-Identifier: Apache-2.0
// What the gateway is told once, at the start.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/peer_address.hpp"
#include "gateway/send_batch.hpp"
#include "gateway/tls.hpp"
#include "http/router.hpp"
#include "http/upgrade.hpp"
#include "model/ids.hpp"
#include "model/limits.hpp"
#include "model/listen_address.hpp"

namespace roomcast {

class Connection;
class ConnectionDriver;

/// All references outlive the gateway.
struct GatewayOptions {
    const Limits& limits;
    ListenAddress address;
    /// The listener for metrics, health and operator routes, where it is a separate one.
    std::optional<ListenAddress> operator_address;
    ShardIndex shards = 1;
    IoUring io_uring = IoUring::automatic;
    const http::Router& router;
    const http::Router& operator_router;
    const http::UpgradePolicy& upgrade_policy;
    const TrustedProxies& trusted_proxies;
    bool close_on_expiry = true;
    /// Set when client connections speak TLS.
    std::shared_ptr<const TlsContext> tls;
    /// Makes what drives a connection after its upgrade. Unset: a WebSocketSession.
    std::function<std::unique_ptr<ConnectionDriver>(Connection&)> make_upgraded = {};
};

}  // namespace roomcast

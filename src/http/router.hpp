// SPDX-License-Identifier: Apache-2.0
// From a request to its answer: the routes of the HTTP API (docs/protocol.md, section 4).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "auth/api_keys.hpp"
#include "auth/origin.hpp"
#include "core/hub_client.hpp"
#include "http/message.hpp"
#include "http/request_rates.hpp"
#include "model/identity.hpp"
#include "model/limits.hpp"

namespace roomcast::http {

enum class ApiAuth : std::uint8_t {
    automatic,  // required as soon as there are API keys or JWT mode is on
    required,
    none,
};

/// What only the whole process knows. Called on any shard's thread.
class ServerView {
public:
    virtual ~ServerView() = default;
    /// Empty when ready, else why not.
    [[nodiscard]] virtual std::string unready_reason() const = 0;
    /// Prometheus text of all shards.
    [[nodiscard]] virtual std::string metrics() const = 0;
    /// A JSON object: version, node, uptime, connections, …
    [[nodiscard]] virtual std::string stats() const = 0;
    /// The effective settings as a JSON object, secrets masked.
    [[nodiscard]] virtual std::string config() const = 0;
};

/// From the settings; constant after the start.
struct RouterOptions {
    const Limits& limits;
    const ServerView& server;
    const ApiKeys& api_keys;
    ApiAuth api_auth = ApiAuth::automatic;
    TokenVerifier* verifier = nullptr;  // set in JWT mode
    OriginList cors_origins;
    RequestRates& rates;
    /// True on the listener that METRICS_ADDR names: only metrics, health and operator routes.
    bool is_operator_listener = false;
    /// True where another listener serves metrics and operator routes.
    bool has_operator_listener = false;
};

/// Holds no state but its options: one may serve all shards.
class Router {
public:
    explicit Router(RouterOptions options) : options_(std::move(options)) {}

    /// Answers `request`; `done` is called exactly once on this thread, maybe from within the call.
    /// The router and `hub` outlive the answer. A HEAD is answered as its GET: serialize() leaves
    /// the body out. Upgrades (`GET /ws`) are not for the router: see is_upgrade_path().
    void handle(Request request, HubClient& hub, std::function<void(Response)> done) const;

    [[nodiscard]] static bool is_upgrade_path(std::string_view path) { return path == "/ws"; }

private:
    RouterOptions options_;
};

}  // namespace roomcast::http

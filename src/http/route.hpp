// SPDX-License-Identifier: Apache-2.0
// The table of routes: what the server answers, who may ask, and which function knows the answer.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/hub_client.hpp"
#include "http/message.hpp"
#include "http/router.hpp"
#include "http/uri.hpp"
#include "model/rights.hpp"

namespace roomcast::http {

/// Who may use a route.
enum class Access : std::uint8_t {
    open,       // anybody
    api,        // backends: by API_AUTH
    operators,  // never open
};

/// Where a route is served when METRICS_ADDR gives operators a listener of their own.
enum class Place : std::uint8_t {
    everywhere,
    clients,    // the main listener
    operators,  // the operators' listener, or the main one while there is no other
};

/// Who asks.
struct Caller {
    /// Whose idempotency keys these are: "key:NAME", "user:ID", or empty for an open API.
    std::string name = {};
    /// All, but for a token with the claim `channels`.
    Rights rights = Rights::all();
};

/// One request on its way to its answer, with what its route's function needs.
struct RouteCall {
    Request request;
    std::vector<std::string> path_parts;  // what stands for the pattern's {…}, decoded
    Query query;
    Caller caller;
    const RouterOptions& options;
    HubClient& hub;
};

using Respond = std::function<void(Response)>;
/// Calls `respond` exactly once, maybe later, on the same thread. `call` lives until then.
using RouteFunction = void (*)(RouteCall& call, Respond respond);

struct Route {
    std::string_view method;
    std::string_view pattern;  // `{name}` stands for one part of the path, as in OpenAPI
    Access access;
    Place place;
    RouteFunction function;
};

/// All routes, as openapi.json describes them (but for GET /ws, which is not the router's).
[[nodiscard]] std::span<const Route> route_table();

/// What `path` (still encoded) puts in place of the {…} of `pattern`, still encoded; nothing when
/// it does not match. `{file}` matches an embedded web page alone.
[[nodiscard]] std::optional<std::vector<std::string_view>> match_pattern(std::string_view pattern,
                                                                         std::string_view path);

}  // namespace roomcast::http

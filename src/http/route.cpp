// SPDX-License-Identifier: Apache-2.0
#include "http/route.hpp"

#include <algorithm>

#include "http/channel_api.hpp"
#include "http/event_api.hpp"
#include "http/operator_api.hpp"
#include "http/pages.hpp"
#include "http/web_assets.hpp"

namespace roomcast::http {
namespace {

constexpr Route kRoutes[] = {
    {"POST", "/api/event", Access::api, Place::clients, publish_event},
    {"POST", "/api/events", Access::api, Place::clients, publish_events},
    {"GET", "/api/channels", Access::api, Place::clients, list_channels},
    {"GET", "/api/channels/{channel}/presence", Access::api, Place::clients, list_presence},
    {"POST", "/api/users/{user}/disconnect", Access::api, Place::clients, disconnect_user},
    {"GET", "/api/stats", Access::operators, Place::operators, show_stats},
    {"GET", "/api/nodes", Access::operators, Place::operators, list_nodes},
    {"GET", "/api/config", Access::operators, Place::operators, show_config},
    {"GET", "/api/connections", Access::operators, Place::operators, list_connections},
    {"GET", "/api/connections/{id}", Access::operators, Place::operators, show_connection},
    {"DELETE", "/api/connections/{id}", Access::operators, Place::operators, close_connection},
    {"GET", "/metrics", Access::open, Place::operators, show_metrics},
    {"GET", "/healthz", Access::open, Place::everywhere, show_health},
    {"GET", "/readyz", Access::open, Place::everywhere, show_readiness},
    {"GET", "/openapi.json", Access::open, Place::everywhere, show_openapi},
    {"GET", "/", Access::open, Place::clients, show_page},
    {"GET", "/{file}", Access::open, Place::clients, show_page},
};

/// Takes the first part off `path`, behind its slash.
std::string_view take_part(std::string_view& path) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(end);
    return part;
}

}  // namespace

std::span<const Route> route_table() {
    return kRoutes;
}

std::optional<std::vector<std::string_view>> match_pattern(std::string_view pattern,
                                                           std::string_view path) {
    if (pattern == "/{file}" && !find_web_asset(path)) return std::nullopt;
    std::vector<std::string_view> parts;
    while (pattern.starts_with('/') && path.starts_with('/')) {
        const std::string_view wanted = take_part(pattern);
        const std::string_view part = take_part(path);
        if (wanted.starts_with('{') && !part.empty()) {
            parts.push_back(part);
        } else if (wanted != part) {
            return std::nullopt;
        }
    }
    if (!pattern.empty() || !path.empty()) return std::nullopt;
    return parts;
}

}  // namespace roomcast::http

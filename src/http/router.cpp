// SPDX-License-Identifier: Apache-2.0
#include "http/router.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "http/api_access.hpp"
#include "http/cors.hpp"
#include "http/route.hpp"

namespace roomcast::http {
namespace {

/// The routes that a path has, by method, and which of them the request means.
struct Resolution {
    std::vector<const Route*> routes;
    const Route* chosen = nullptr;
    std::vector<std::string_view> path_parts;

    [[nodiscard]] bool has(std::string_view method) const {
        for (const Route* route : routes) {
            if (route->method == method) return true;
        }
        return false;
    }
};

bool is_served(Place place, const RouterOptions& options) {
    switch (place) {
        case Place::everywhere:
            return true;
        case Place::clients:
            return !options.is_operator_listener;
        case Place::operators:
            return !options.has_operator_listener;
    }
    return false;
}

Resolution resolve(const Request& request, const RouterOptions& options) {
    const std::string_view asked = request.method;
    const std::string_view method = asked == "HEAD" ? "GET" : asked;
    Resolution resolution;
    for (const Route& route : route_table()) {
        if (!is_served(route.place, options)) continue;
        const auto parts = match_pattern(route.pattern, request.path());
        if (!parts) continue;
        resolution.routes.push_back(&route);
        if (route.method == method) {
            resolution.chosen = &route;
            resolution.path_parts = *parts;
        }
    }
    return resolution;
}

std::string allowed_methods(const Resolution& resolution) {
    std::string methods;
    for (const Route* route : resolution.routes) {
        methods.append(route->method).append(route->method == "GET" ? ", HEAD, " : ", ");
    }
    return methods + "OPTIONS";
}

Response empty_response() {
    Response response;
    response.status = 204;
    return response;
}

/// The answer to a request that no route's function has to see, if it is one.
std::optional<Response> answer_without_route(const Request& request, const Resolution& resolution) {
    if (request.target == "*") return empty_response();
    if (resolution.routes.empty()) {
        return error_response(404, "not_found", "there is no such route");
    }
    if (request.method == "OPTIONS") return empty_response();
    if (resolution.chosen) return std::nullopt;
    Response response =
        error_response(405, "method_not_allowed", "this route does not know that method");
    response.headers.push_back({"Allow", allowed_methods(resolution)});
    return response;
}

/// Decodes the path's parts and the query of `call`; false when one of them cannot be.
bool decode(RouteCall& call, const Resolution& resolution) {
    for (const std::string_view part : resolution.path_parts) {
        auto decoded = decode_path_part(part);
        if (!decoded) return false;
        call.path_parts.push_back(std::move(*decoded));
    }
    auto query = Query::parse(call.request.query());
    if (!query) return false;
    call.query = std::move(*query);
    return true;
}

/// The refusal of a request that comes too soon, if it does.
std::optional<Response> judge_rate(const RouteCall& call, Access access) {
    if (access != Access::api) return std::nullopt;
    const std::string& name = call.caller.name;
    const auto wait = call.options.rates.take(name.empty() ? call.request.peer_address : name);
    if (wait.count() == 0) return std::nullopt;
    Response response = error_response(429, "rate_limited", "too many requests, see API_RATE");
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait);
    response.headers.push_back({"Retry-After", std::to_string(seconds.count())});
    return response;
}

}  // namespace

void Router::handle(Request request, HubClient& hub, std::function<void(Response)> done) const {
    auto call =
        std::make_shared<RouteCall>(RouteCall{std::move(request), {}, {}, {}, options_, hub});
    const Resolution resolution = resolve(call->request, options_);
    const CorsHeaders cors(
        call->request,
        options_.cors_origins,
        resolution.has("DELETE") ? "GET, POST, DELETE, OPTIONS" : "GET, POST, OPTIONS");
    // Keeps `call` alive until its answer.
    Respond respond = [call, cors, done = std::move(done)](Response response) {
        cors.add_to(response);
        done(std::move(response));
    };
    if (auto response = answer_without_route(call->request, resolution)) {
        return respond(std::move(*response));
    }
    const Route& route = *resolution.chosen;
    const bool is_readable = decode(*call, resolution);
    judge_access(call->request,
                 route.access,
                 options_,
                 [&route, call, is_readable, respond = std::move(respond)](AccessVerdict verdict) {
                     if (auto* refusal = std::get_if<Response>(&verdict)) {
                         return respond(std::move(*refusal));
                     }
                     if (!is_readable) {
                         return respond(
                             error_response(400, "bad_request", "the path or query is malformed"));
                     }
                     call->caller = std::get<Caller>(std::move(verdict));
                     if (auto refusal = judge_rate(*call, route.access)) {
                         return respond(std::move(*refusal));
                     }
                     route.function(*call, respond);
                 });
}

}  // namespace roomcast::http

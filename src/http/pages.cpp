// SPDX-License-Identifier: Apache-2.0
#include "http/pages.hpp"

#include <utility>

#include "http/openapi.hpp"
#include "http/web_assets.hpp"

namespace roomcast::http {
namespace {

Response json_response(std::string body) {
    Response response;
    response.body = std::move(body);
    return response;
}

/// Whether the client already has that version: `If-None-Match: *`, or a list with its ETag.
bool is_unchanged(const Request& request, std::string_view etag) {
    return request.header_has_token("If-None-Match", etag) ||
           request.header_has_token("If-None-Match", std::string("W/").append(etag)) ||
           request.header("If-None-Match") == "*";
}

Response asset_response(const Request& request, const WebAsset& asset) {
    Response response;
    response.headers = {{"ETag", std::string(asset.etag)},
                        {"Cache-Control", std::string(kWebAssetCacheControl)}};
    if (is_unchanged(request, asset.etag)) {
        response.status = 304;
        return response;
    }
    response.content_type = asset.content_type;
    response.body = asset.bytes;
    return response;
}

}  // namespace

void show_health(RouteCall&, Respond respond) {
    respond(json_response(R"({"status":"ok"})"));
}

void show_readiness(RouteCall& call, Respond respond) {
    const std::string reason = call.options.server.unready_reason();
    if (reason.empty()) return respond(json_response(R"({"status":"ready"})"));
    Response response = error_response(503, "unready", reason);
    response.headers.push_back({"Retry-After", "1"});
    respond(std::move(response));
}

void show_metrics(RouteCall& call, Respond respond) {
    Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = call.options.server.metrics();
    respond(std::move(response));
}

void show_openapi(RouteCall& call, Respond respond) {
    respond(asset_response(call.request, openapi_assets().front()));
}

void show_page(RouteCall& call, Respond respond) {
    const WebAsset* asset = find_web_asset(call.request.path());
    if (!asset) return respond(error_response(404, "not_found", "there is no such page"));
    Response response = asset_response(call.request, *asset);
    response.headers.push_back({"Content-Security-Policy", std::string(kWebAssetSecurityPolicy)});
    response.headers.push_back({"Referrer-Policy", "no-referrer"});
    respond(std::move(response));
}

}  // namespace roomcast::http

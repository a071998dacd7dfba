// SPDX-License-Identifier: Apache-2.0
#include "http/cors.hpp"

#include <string>

namespace roomcast::http {

std::optional<std::string_view> origin_of(const Request& request) {
    switch (request.header_count("Origin")) {
        case 0:
            return std::nullopt;
        case 1:
            return request.header("Origin");
        default:
            return "null";
    }
}

CorsHeaders::CorsHeaders(const Request& request,
                         const OriginList& origins,
                         std::string_view methods) {
    const std::optional<std::string_view> origin = origin_of(request);
    if (origins.allows_any()) {
        headers_.push_back({"Access-Control-Allow-Origin", "*"});
    } else {
        headers_.push_back({"Vary", "Origin"});
        if (origin && origins.allows(origin)) {
            headers_.push_back({"Access-Control-Allow-Origin", std::string(*origin)});
        }
    }
    headers_.push_back({"Access-Control-Allow-Methods", std::string(methods)});
    std::string allowed = "Content-Type, Authorization";
    for (const std::string_view ours : {"Idempotency-Key", "X-API-Key"}) {
        if (request.header_has_token("Access-Control-Request-Headers", ours)) {
            allowed.append(", ").append(ours);
        }
    }
    headers_.push_back({"Access-Control-Allow-Headers", std::move(allowed)});
}

void CorsHeaders::add_to(Response& response) const {
    response.headers.insert(response.headers.end(), headers_.begin(), headers_.end());
}

}  // namespace roomcast::http

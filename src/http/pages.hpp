// SPDX-License-Identifier: Apache-2.0
// Routes without a hub: health, metrics, the API's description and the built-in web pages.
#pragma once

#include "http/route.hpp"

namespace roomcast::http {

void show_health(RouteCall& call, Respond respond);     // GET /healthz
void show_readiness(RouteCall& call, Respond respond);  // GET /readyz
void show_metrics(RouteCall& call, Respond respond);    // GET /metrics
void show_openapi(RouteCall& call, Respond respond);    // GET /openapi.json
void show_page(RouteCall& call, Respond respond);       // GET / and GET /{file}

}  // namespace roomcast::http

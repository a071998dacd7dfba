// SPDX-License-Identifier: Apache-2.0
// What operators ask about this node and its connections.
#pragma once

#include "http/route.hpp"

namespace roomcast::http {

void show_stats(RouteCall& call, Respond respond);        // GET /api/stats
void show_config(RouteCall& call, Respond respond);       // GET /api/config
void list_nodes(RouteCall& call, Respond respond);        // GET /api/nodes
void list_connections(RouteCall& call, Respond respond);  // GET /api/connections
void show_connection(RouteCall& call, Respond respond);   // GET /api/connections/{id}
void close_connection(RouteCall& call, Respond respond);  // DELETE /api/connections/{id}

}  // namespace roomcast::http

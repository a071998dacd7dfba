// SPDX-License-Identifier: Apache-2.0
// What backends ask about channels and users.
#pragma once

#include "http/route.hpp"

namespace roomcast::http {

void list_channels(RouteCall& call, Respond respond);    // GET /api/channels
void list_presence(RouteCall& call, Respond respond);    // GET /api/channels/{channel}/presence
void disconnect_user(RouteCall& call, Respond respond);  // POST /api/users/{user}/disconnect

}  // namespace roomcast::http

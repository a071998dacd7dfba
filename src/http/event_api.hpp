// SPDX-License-Identifier: Apache-2.0
// Publishing over HTTP, one event or many.
#pragma once

#include "http/route.hpp"

namespace roomcast::http {

void publish_event(RouteCall& call, Respond respond);   // POST /api/event
void publish_events(RouteCall& call, Respond respond);  // POST /api/events

}  // namespace roomcast::http

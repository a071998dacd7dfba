// SPDX-License-Identifier: Apache-2.0
// Who may use the HTTP API (docs/protocol.md, section 4.2).
#pragma once

#include <functional>
#include <variant>

#include "http/message.hpp"
#include "http/route.hpp"

namespace roomcast::http {

/// The caller, or the refusal.
using AccessVerdict = std::variant<Caller, Response>;

/// Judges `request` by API key, JWT or, for operators' routes, by where it comes from. `done` is
/// called exactly once on this thread, maybe from within the call.
void judge_access(const Request& request,
                  Access access,
                  const RouterOptions& options,
                  std::function<void(AccessVerdict)> done);

}  // namespace roomcast::http

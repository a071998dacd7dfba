// SPDX-License-Identifier: Apache-2.0
// HTTP for the commands: one request, and waiting for its answer.
#pragma once

#include "app/commands.hpp"

namespace roomcast {

/// Makes one call with a client of its own. Gives up after five seconds.
[[nodiscard]] Outcome<HttpAnswer, std::string> call_http(const HttpCall& call);

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Reads what clients of the native dialect say (docs/protocol.md, section 2).
#pragma once

#include <string>
#include <string_view>

#include "model/limits.hpp"
#include "protocol/command.hpp"
#include "util/result.hpp"

namespace roomcast {

/// As Dialect::parse() says. Errors: bad_message, bad_channel, limit.
[[nodiscard]] Outcome<Command, CommandError> parse_native_command(std::string_view text,
                                                                  std::string& scratch,
                                                                  const Limits& limits);

}  // namespace roomcast

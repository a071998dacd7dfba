// SPDX-License-Identifier: Apache-2.0
// The claim `channels`: what a token's user may do where.
#pragma once

#include <optional>

#include "codec/json.hpp"
#include "model/rights.hpp"

namespace roomcast {

/// Reads `{"room:*": ["subscribe", "publish"], …}`. An absent claim gives all rights. Nothing for a
/// malformed one (another type, a word that is no right, a `*` before the end, a pattern longer
/// than a channel's name can be): a slip of the pen must not turn into rights. Of a repeated
/// pattern the last one counts.
[[nodiscard]] std::optional<Rights> read_rights_claim(const json::Value& claim);

}  // namespace roomcast

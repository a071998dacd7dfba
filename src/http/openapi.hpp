// SPDX-License-Identifier: Apache-2.0
// The description of the HTTP API, openapi.json, built into the binary.
#pragma once

#include <span>

#include "http/web_assets.hpp"

namespace roomcast {

/// One file: `/openapi.json`.
[[nodiscard]] std::span<const WebAsset> openapi_assets();

}  // namespace roomcast

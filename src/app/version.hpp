// SPDX-License-Identifier: Apache-2.0
// The version of this build; CMake's project() sets it.
#pragma once

#include <string_view>

namespace roomcast {

inline constexpr std::string_view kVersion = ROOMCAST_VERSION;

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// What can only be judged once all settings are known.
#pragma once

#include <optional>

#include "app/settings.hpp"

namespace roomcast {

/// Works out the defaults that depend on the machine or on other settings.
void work_out_defaults(LoadedSettings& loaded);

/// Settings that contradict each other.
[[nodiscard]] std::optional<SettingsError> check_together(const LoadedSettings& loaded);

/// What the operator should know and the start can bear.
void add_warnings(LoadedSettings& loaded);

}  // namespace roomcast

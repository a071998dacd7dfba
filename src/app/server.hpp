// SPDX-License-Identifier: Apache-2.0
// `roomcast serve`: builds the parts from the settings, runs until a signal, drains.
#pragma once

#include "app/settings.hpp"
#include "util/clock.hpp"

namespace roomcast {

/// Serves until SIGTERM or SIGINT; a second one ends it at once. SIGHUP reads the certificate
/// again. Gives the exit status: 0 after a drain, kExitBadSettings when a setting cannot be served
/// here (a port in use, a certificate that cannot be read), 130 after a second signal.
[[nodiscard]] int serve(const LoadedSettings& loaded, const Clock& clock);

}  // namespace roomcast

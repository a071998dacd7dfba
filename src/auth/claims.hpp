// SPDX-License-Identifier: Apache-2.0
// What a token says about its user: from checked claims to an Identity.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/identity.hpp"
#include "util/result.hpp"

namespace roomcast {

/// What a token must say to be taken. From the settings; constant after the start.
struct ClaimRules {
    std::string user_claim = "sub";  // JWT_USER_CLAIM
    std::string audience = {};       // JWT_AUDIENCE; empty: not checked
    std::string issuer = {};         // JWT_ISSUER; empty: not checked
    std::chrono::seconds leeway{5};  // JWT_LEEWAY_SECONDS: for clocks that differ
};

/// Reads the claims of a token whose signature is good (RFC 7519 section 4.1; docs/protocol.md
/// section 1 and, for `channels`, section 2.2). `json` is the token's payload. Of a repeated claim
/// the last one counts, for every check. `now_ms` is the wall clock.
[[nodiscard]] VerifyResult read_claims(std::string_view json,
                                       const ClaimRules& rules,
                                       std::int64_t now_ms);

/// Whether a token that ends at `expires_at` (Unix seconds) is no longer taken.
[[nodiscard]] bool is_expired(const std::optional<std::int64_t>& expires_at,
                              const ClaimRules& rules,
                              std::int64_t now_ms);

}  // namespace roomcast

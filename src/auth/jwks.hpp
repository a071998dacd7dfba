// SPDX-License-Identifier: Apache-2.0
// JSON Web Key Sets (RFC 7517): the public keys that an identity provider publishes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "auth/verification_key.hpp"
#include "util/result.hpp"

namespace roomcast {

/// Beyond it keys are skipped: a token without `kid` is tried with each key of its kind.
inline constexpr std::size_t kMaxJwksKeys = 64;

struct Jwks {
    std::vector<VerificationKey> keys;
    /// Keys passed over: another kind or curve, a secret (`oct`), a `use` other than `sig`,
    /// `key_ops` without `verify`, an `alg` that is not RS256, ES256 or EdDSA, too weak, malformed.
    std::size_t skipped = 0;
};

/// Reads a key set document. One bad key never spoils the others. Error: a sentence, when the
/// document has no array `keys`.
[[nodiscard]] Outcome<Jwks, std::string> parse_jwks(std::string_view document);

}  // namespace roomcast

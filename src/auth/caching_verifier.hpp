// SPDX-License-Identifier: Apache-2.0
// One key set at work: what verifies tokens until the next key set comes.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "auth/jwt.hpp"
#include "auth/token_cache.hpp"

namespace roomcast {

/// verify_jwt() with a key set of its own and a memory for tokens that were good. Safe from any
/// thread; shared by all of them through shared_ptr and replaced as a whole.
class CachingVerifier {
public:
    static constexpr std::size_t kCachedTokens = 8'192;

    CachingVerifier(KeySet keys, JwtRules rules)
        : keys_(std::move(keys)),
          rules_(std::move(rules)),
          cache_(kCachedTokens) {}

    /// As verify_jwt(). A cached token is refused from its `exp` on, like any other.
    [[nodiscard]] JwtResult verify(std::string_view token, std::int64_t now_ms) {
        // HMAC costs hardly more than the look-up.
        if (!has_public_keys()) return verify_jwt(token, keys_, rules_, now_ms);
        if (token.size() > kMaxTokenBytes) return verify_jwt(token, keys_, rules_, now_ms);
        if (auto known = cache_.find(token)) {
            if (!is_expired(known->expires_at, rules_.claims, now_ms)) return std::move(*known);
        }
        JwtResult result = verify_jwt(token, keys_, rules_, now_ms);
        if (result) cache_.put(token, *result);
        return result;
    }

    [[nodiscard]] const KeySet& keys() const { return keys_; }

private:
    [[nodiscard]] bool has_public_keys() const {
        for (const VerificationKey& key : keys_.keys()) {
            if (key.kind() != KeyKind::secret) return true;
        }
        return false;
    }

    const KeySet keys_;
    const JwtRules rules_;
    TokenCache cache_;
};

}  // namespace roomcast

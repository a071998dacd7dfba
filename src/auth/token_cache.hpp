// SPDX-License-Identifier: Apache-2.0
// Tokens whose signature was checked a moment ago, so that a storm of reconnects with public-key
// tokens does not pay 50 to 200 us for each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "model/identity.hpp"

namespace roomcast {

/// Identities by the SHA-256 of their tokens: the tokens themselves are not kept. Good for one key
/// set and one set of rules: who changes them starts with an empty cache. Whoever takes an identity
/// from here checks `expires_at` again. Safe from any thread.
class TokenCache {
public:
    /// At most `capacity` identities.
    explicit TokenCache(std::size_t capacity) : half_capacity_(capacity / 2) {}

    [[nodiscard]] std::optional<Identity> find(std::string_view token);
    void put(std::string_view token, const Identity& identity);

private:
    using Digest = std::array<unsigned char, 32>;

    struct DigestHash {
        // Only tokens with good signatures are kept, so that nobody else chooses these digests.
        std::size_t operator()(const Digest& digest) const {
            std::size_t hash;
            std::memcpy(&hash, digest.data(), sizeof hash);
            return hash;
        }
    };

    using Entries = std::unordered_map<Digest, Identity, DigestHash>;

    static Digest digest_of(std::string_view token);
    void put_recent(const Digest& digest, const Identity& identity);

    const std::size_t half_capacity_;
    std::mutex mutex_;  // verifications on all shards share the cache; held for a look-up
    /// When `recent_` is full it becomes `older_`, and what was older is forgotten: close to
    /// "least recently used" without a list.
    Entries recent_;
    Entries older_;
};

}  // namespace roomcast

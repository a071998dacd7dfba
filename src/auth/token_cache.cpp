// SPDX-License-Identifier: Apache-2.0
#include "auth/token_cache.hpp"

#include <utility>

#include <openssl/sha.h>

namespace roomcast {

std::optional<Identity> TokenCache::find(std::string_view token) {
    const Digest digest = digest_of(token);
    const std::lock_guard lock(mutex_);
    if (const auto found = recent_.find(digest); found != recent_.end()) return found->second;
    const auto found = older_.find(digest);
    if (found == older_.end()) return std::nullopt;
    Identity identity = std::move(found->second);
    older_.erase(found);
    put_recent(digest, identity);
    return identity;
}

void TokenCache::put(std::string_view token, const Identity& identity) {
    const Digest digest = digest_of(token);
    const std::lock_guard lock(mutex_);
    put_recent(digest, identity);
}

TokenCache::Digest TokenCache::digest_of(std::string_view token) {
    Digest digest;
    SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
    return digest;
}

void TokenCache::put_recent(const Digest& digest, const Identity& identity) {
    if (half_capacity_ == 0) return;
    if (recent_.size() >= half_capacity_) {
        older_ = std::move(recent_);
        recent_.clear();
    }
    recent_.insert_or_assign(digest, identity);
}

}  // namespace roomcast

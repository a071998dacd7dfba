// SPDX-License-Identifier: Apache-2.0
// All keys that a server trusts at one moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/algorithm.hpp"
#include "auth/verification_key.hpp"

namespace roomcast {

/// An immutable set of keys. May be read by several threads at once.
class KeySet {
public:
    enum class Match : std::uint8_t {
        verified,
        mismatch,  // there are keys for it, and none made the signature
        unknown,   // no key of the set can have made it: a newer key set might hold one
    };

    KeySet() = default;

    explicit KeySet(std::vector<VerificationKey> keys) : keys_(std::move(keys)) {}

    /// Looks for a key of the algorithm's kind that made `signature`. With a `key_id`, keys of
    /// another id are passed over, and keys without an id are tried; secrets have none. Without a
    /// `key_id` (empty), every key of that kind is tried.
    [[nodiscard]] Match check(Algorithm algorithm,
                              std::string_view key_id,
                              std::string_view text,
                              std::string_view signature) const;

    [[nodiscard]] std::size_t size() const { return keys_.size(); }

    [[nodiscard]] const std::vector<VerificationKey>& keys() const { return keys_; }

private:
    std::vector<VerificationKey> keys_;
};

}  // namespace roomcast

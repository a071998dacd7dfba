// SPDX-License-Identifier: Apache-2.0
// One key that checks signatures of tokens, of one kind for its whole life.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/algorithm.hpp"
#include "util/result.hpp"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY: keeps its headers out of ours

namespace roomcast {

/// A shared secret or a public key. Immutable; copies share the key and may be used by several
/// threads at once.
class VerificationKey {
public:
    /// A shared secret for HS256, HS384 and HS512. Any bytes, at least one.
    [[nodiscard]] static VerificationKey from_secret(std::string secret);
    /// Takes over one reference to `key`; `id` is its `kid`, or empty. Error: a sentence that says
    /// why the key is none of ours (RSA of 2,048 to 8,192 bits, EC on P-256, Ed25519).
    [[nodiscard]] static Outcome<VerificationKey, std::string> from_public_key(evp_pkey_st* key,
                                                                               std::string id);

    [[nodiscard]] KeyKind kind() const { return kind_; }

    /// The `kid` under which tokens refer to it; empty: tried for tokens with any `kid` or none.
    [[nodiscard]] const std::string& id() const { return id_; }

    /// Whether `signature` (raw bytes, as RFC 7518 section 3 encodes them) is this key's signature
    /// of `text`. False for an algorithm of another kind. Secrets are compared in constant time.
    [[nodiscard]] bool verify(Algorithm algorithm,
                              std::string_view text,
                              std::string_view signature) const;

private:
    VerificationKey(KeyKind kind, std::string id) : kind_(kind), id_(std::move(id)) {}

    KeyKind kind_;
    std::string id_;
    std::string secret_;                       // of a secret
    std::shared_ptr<evp_pkey_st> public_key_;  // of all other kinds
};

/// The HMAC of `text`, as raw bytes. `algorithm` must be one for secrets.
[[nodiscard]] std::string hmac_signature(Algorithm algorithm,
                                         std::string_view secret,
                                         std::string_view text);

/// Reads JWT_PUBLIC_KEY: one or more blocks `-----BEGIN PUBLIC KEY-----`. Error: a sentence.
[[nodiscard]] Outcome<std::vector<VerificationKey>, std::string> read_pem_keys(
    std::string_view pem);

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The keys with which backends use the HTTP API (docs/protocol.md section 4.2).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.hpp"

namespace roomcast {

struct ApiKey {
    std::string name;  // for logs; not secret
    std::string role;  // `service`, or `admin`, which may do all that `service` may and more
};

/// The keys of API_KEYS. Immutable. Holds digests, never the secrets.
class ApiKeys {
public:
    ApiKeys() = default;
    /// Reads `name:secret[:role]`, separated by commas; role `service` (default) or `admin`. A
    /// secret has neither `:` nor `,` nor blanks at its ends. Error: a sentence that tells the
    /// entry by its place and never prints a secret.
    [[nodiscard]] static Outcome<ApiKeys, std::string> parse(std::string_view text);

    /// The key whose secret that is, or null. Takes as long for a wrong secret as for a right one.
    /// The result lives as long as this object.
    [[nodiscard]] const ApiKey* find(std::string_view secret) const;

    [[nodiscard]] bool is_empty() const { return entries_.empty(); }

private:
    using Digest = std::array<unsigned char, 32>;

    struct Entry {
        Digest digest;  // SHA-256 of the secret: equal lengths to compare
        ApiKey key;
    };

    static Digest digest_of(std::string_view secret);

    std::vector<Entry> entries_;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The signature algorithms of tokens (RFC 7518, RFC 8037), and which of them a server takes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "util/result.hpp"

namespace roomcast {

enum class Algorithm : std::uint8_t { hs256, hs384, hs512, rs256, es256, eddsa };

/// What a key is for. A key verifies the algorithms of its own kind and no others: a public key can
/// never be taken for an HMAC secret.
enum class KeyKind : std::uint8_t { secret, rsa, ec_p256, ed25519 };

[[nodiscard]] KeyKind key_kind(Algorithm algorithm);

/// The algorithm of that name, byte for byte; nothing for `none` and all that is not built in.
[[nodiscard]] std::optional<Algorithm> find_algorithm(std::string_view name);

/// The algorithms that the configuration allows.
class AlgorithmSet {
public:
    AlgorithmSet(std::initializer_list<Algorithm> algorithms) {
        for (const Algorithm algorithm : algorithms)
            add(algorithm);
    }

    void add(Algorithm algorithm) { bits_ |= bit(algorithm); }

    [[nodiscard]] bool contains(Algorithm algorithm) const { return bits_ & bit(algorithm); }

    friend bool operator==(const AlgorithmSet&, const AlgorithmSet&) = default;

private:
    static unsigned bit(Algorithm algorithm) { return 1U << static_cast<unsigned>(algorithm); }

    unsigned bits_ = 0;
};

/// Without JWT_ALGORITHMS: one algorithm for each kind of key.
inline const AlgorithmSet kDefaultAlgorithms = {
    Algorithm::hs256, Algorithm::rs256, Algorithm::es256, Algorithm::eddsa};

/// Reads JWT_ALGORITHMS: names separated by commas. The error says what is allowed.
[[nodiscard]] Outcome<AlgorithmSet, std::string> parse_algorithms(std::string_view list);

}  // namespace roomcast

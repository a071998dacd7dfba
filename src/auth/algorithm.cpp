// SPDX-License-Identifier: Apache-2.0
#include "auth/algorithm.hpp"

#include <array>

#include "auth/text_list.hpp"
#include "util/assert.hpp"

namespace roomcast {

namespace {

struct NamedAlgorithm {
    std::string_view name;
    Algorithm algorithm;
};

constexpr std::array<NamedAlgorithm, 6> kNames = {{
    {"HS256", Algorithm::hs256},
    {"HS384", Algorithm::hs384},
    {"HS512", Algorithm::hs512},
    {"RS256", Algorithm::rs256},
    {"ES256", Algorithm::es256},
    {"EdDSA", Algorithm::eddsa},
}};

}  // namespace

KeyKind key_kind(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::hs256:
        case Algorithm::hs384:
        case Algorithm::hs512:
            return KeyKind::secret;
        case Algorithm::rs256:
            return KeyKind::rsa;
        case Algorithm::es256:
            return KeyKind::ec_p256;
        case Algorithm::eddsa:
            return KeyKind::ed25519;
    }
    ASSERT(false);
}

std::optional<Algorithm> find_algorithm(std::string_view name) {
    for (const NamedAlgorithm& named : kNames) {
        if (named.name == name) return named.algorithm;
    }
    return std::nullopt;
}

Outcome<AlgorithmSet, std::string> parse_algorithms(std::string_view list) {
    AlgorithmSet algorithms{};
    do {
        const std::string_view name = take_list_entry(list);
        const std::optional<Algorithm> algorithm = find_algorithm(name);
        if (!algorithm) {
            return std::string("unknown algorithm \"")
                .append(name)
                .append("\"; allowed are HS256, HS384, HS512, RS256, ES256 and EdDSA");
        }
        algorithms.add(*algorithm);
    } while (!list.empty());
    return algorithms;
}

}  // namespace roomcast

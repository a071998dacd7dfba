// SPDX-License-Identifier: Apache-2.0
#include "auth/jwt.hpp"

#include <optional>

#include "auth/base64url.hpp"
#include "codec/json.hpp"

namespace roomcast {

namespace {

/// The three parts of a token, still encoded.
struct Parts {
    std::string_view header;
    std::string_view payload;
    std::string_view signature;
    std::string_view signed_text;  // header and payload with the dot between them
};

struct Header {
    Algorithm algorithm;
    std::string key_id;  // empty: none
};

JwtResult refuse(std::string reason, bool is_unknown_key = false) {
    return {boost::system::in_place_error, JwtRefusal{std::move(reason), is_unknown_key}};
}

std::optional<Parts> split(std::string_view token) {
    const std::size_t first = token.find('.');
    if (first == std::string_view::npos) return std::nullopt;
    const std::size_t second = token.find('.', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    if (token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
    return Parts{token.substr(0, first),
                 token.substr(first + 1, second - first - 1),
                 token.substr(second + 1),
                 token.substr(0, second)};
}

/// Error: a sentence that says why the token is refused.
Outcome<Header, std::string> read_header(std::string_view encoded, const AlgorithmSet& allowed) {
    const std::optional<std::string> text = decode_base64url(encoded);
    if (!text) return std::string("header is not base64url");
    const json::PaddedString padded(*text);
    const auto document = json::parse_object(padded.text());
    if (!document) return std::string("header is not a JSON object");
    json::Value alg, kid;
    for (const json::Member& member : document->members()) {
        const std::string name = member.name.to_string().value_or("");
        if (name == "alg") alg = member.value;
        if (name == "kid") kid = member.value;
        // Extensions that must be understood (RFC 7515 section 4.1.11): none is.
        if (name == "crit") return std::string("header has crit");
    }
    const std::optional<Algorithm> algorithm = find_algorithm(alg.to_string().value_or(""));
    if (!algorithm || !allowed.contains(*algorithm)) {
        return std::string("its algorithm is not allowed");
    }
    if (!kid.is_absent() && !kid.is(json::Kind::string)) {
        return std::string("its key id is not a string");
    }
    return Header{*algorithm, kid.to_string().value_or("")};
}

}  // namespace

JwtResult verify_jwt(std::string_view token,
                     const KeySet& keys,
                     const JwtRules& rules,
                     std::int64_t now_ms) {
    if (token.size() > kMaxTokenBytes) return refuse("token is longer than 8192 bytes");
    const std::optional<Parts> parts = split(token);
    if (!parts) return refuse("token is not three parts with dots between them");
    const auto header = read_header(parts->header, rules.algorithms);
    if (!header) return refuse(header.error());
    const std::optional<std::string> signature = decode_base64url(parts->signature);
    if (!signature) return refuse("signature is not base64url");
    switch (keys.check(header->algorithm, header->key_id, parts->signed_text, *signature)) {
        case KeySet::Match::verified:
            break;
        case KeySet::Match::mismatch:
            return refuse("signature does not match");
        case KeySet::Match::unknown:
            return refuse("no known key made its signature", true);
    }
    const std::optional<std::string> payload = decode_base64url(parts->payload);
    if (!payload) return refuse("claims are not base64url");
    auto identity = read_claims(*payload, rules.claims, now_ms);
    if (!identity) return refuse(identity.error());
    return std::move(*identity);
}

Outcome<std::string, std::string> make_token(std::string_view claims, std::string_view secret) {
    using Made = Outcome<std::string, std::string>;
    if (secret.empty()) return Made(boost::system::in_place_error, "the secret is empty");
    const json::PaddedString padded(claims);
    if (!json::parse_object(padded.text())) {
        return Made(boost::system::in_place_error, "the claims are not a JSON object");
    }
    std::string token = encode_base64url(R"({"alg":"HS256","typ":"JWT"})");
    token += '.';
    token += encode_base64url(claims);
    const std::string signature = hmac_signature(Algorithm::hs256, secret, token);
    token += '.';
    token += encode_base64url(signature);
    return Made(boost::system::in_place_value, std::move(token));
}

}  // namespace roomcast

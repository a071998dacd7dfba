// SPDX-License-Identifier: Apache-2.0
#include "auth/jwks.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <openssl/core_names.h>

#include "auth/base64url.hpp"
#include "auth/openssl_handle.hpp"
#include "codec/json.hpp"

namespace roomcast {

namespace {

constexpr std::size_t kCoordinateBytes = 32;
constexpr std::size_t kEd25519Bytes = 32;
constexpr std::size_t kMaxModulusBytes = 1'024 + 1;  // a leading zero is harmless
constexpr std::size_t kMaxExponentBytes = 8;

/// The members of a JWK that are looked at; of a repeated one the last counts.
struct JwkFields {
    json::Value kty, use, key_ops, alg, kid, n, e, crv, x, y;
};

JwkFields collect_fields(const json::Value& jwk) {
    JwkFields fields;
    const std::array<std::pair<std::string_view, json::Value*>, 10> slots = {{
        {"kty", &fields.kty},
        {"use", &fields.use},
        {"key_ops", &fields.key_ops},
        {"alg", &fields.alg},
        {"kid", &fields.kid},
        {"n", &fields.n},
        {"e", &fields.e},
        {"crv", &fields.crv},
        {"x", &fields.x},
        {"y", &fields.y},
    }};
    for (const json::Member& member : jwk.members()) {
        const std::string name = member.name.to_string().value_or("");
        for (const auto& [slot_name, slot] : slots) {
            if (slot_name == name) *slot = member.value;
        }
    }
    return fields;
}

bool is_absent_or(const json::Value& value, std::string_view text) {
    return value.is_absent() || value.to_string() == text;
}

bool is_for_verifying(const JwkFields& fields) {
    if (!is_absent_or(fields.use, "sig")) return false;
    if (fields.key_ops.is_absent()) return true;
    for (const json::Value& operation : fields.key_ops.elements()) {
        if (operation.to_string() == "verify") return true;
    }
    return false;
}

std::optional<std::string> read_bytes(const json::Value& field) {
    const std::optional<std::string> text = field.to_string();
    return text ? decode_base64url(*text) : std::nullopt;
}

KeyPtr make_key(const char* type, OSSL_PARAM_BLD* builder) {
    const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
    const KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        return nullptr;
    }
    return KeyPtr(key);
}

KeyPtr make_rsa_key(const JwkFields& fields) {
    const std::optional<std::string> n = read_bytes(fields.n);
    const std::optional<std::string> e = read_bytes(fields.e);
    if (!is_absent_or(fields.alg, "RS256") || !n || !e || n->size() > kMaxModulusBytes ||
        e->size() > kMaxExponentBytes) {
        return nullptr;
    }
    const BignumPtr modulus(BN_bin2bn(as_bytes(n->data()), static_cast<int>(n->size()), nullptr));
    const BignumPtr exponent(BN_bin2bn(as_bytes(e->data()), static_cast<int>(e->size()), nullptr));
    // With e = 1 every signature would verify.
    if (!modulus || !exponent || !BN_is_odd(modulus.get()) || !BN_is_odd(exponent.get()) ||
        BN_is_one(exponent.get())) {
        return nullptr;
    }
    const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
        return nullptr;
    }
    return make_key("RSA", builder.get());
}

KeyPtr make_p256_key(const JwkFields& fields) {
    const std::optional<std::string> x = read_bytes(fields.x);
    const std::optional<std::string> y = read_bytes(fields.y);
    if (!is_absent_or(fields.alg, "ES256") || fields.crv.to_string() != "P-256" || !x || !y ||
        x->size() != kCoordinateBytes || y->size() != kCoordinateBytes) {
        return nullptr;
    }
    const std::string point = '\x04' + *x + *y;  // uncompressed; refused when not on the curve
    const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(
            builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(
            builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
        return nullptr;
    }
    return make_key("EC", builder.get());
}

KeyPtr make_ed25519_key(const JwkFields& fields) {
    const std::optional<std::string> x = read_bytes(fields.x);
    if (!is_absent_or(fields.alg, "EdDSA") || fields.crv.to_string() != "Ed25519" || !x ||
        x->size() != kEd25519Bytes) {
        return nullptr;
    }
    return KeyPtr(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, as_bytes(x->data()), x->size()));
}

/// Null when the key is none that we can use.
KeyPtr make_public_key(const JwkFields& fields) {
    const std::optional<std::string> kty = fields.kty.to_string();
    if (kty == "RSA") return make_rsa_key(fields);
    if (kty == "EC") return make_p256_key(fields);
    if (kty == "OKP") return make_ed25519_key(fields);
    return nullptr;
}

std::optional<VerificationKey> read_jwk(const json::Value& jwk) {
    const OpensslErrorScope errors;
    const JwkFields fields = collect_fields(jwk);
    const bool has_bad_id = !fields.kid.is_absent() && !fields.kid.is(json::Kind::string);
    if (has_bad_id || !is_for_verifying(fields)) return std::nullopt;
    KeyPtr public_key = make_public_key(fields);
    if (!public_key) return std::nullopt;
    auto key =
        VerificationKey::from_public_key(public_key.release(), fields.kid.to_string().value_or(""));
    if (!key) return std::nullopt;
    return std::move(*key);
}

}  // namespace

Outcome<Jwks, std::string> parse_jwks(std::string_view text) {
    const json::PaddedString padded(text);
    const auto document = json::parse_object(padded.text());
    if (!document) return std::string("the key set is not a JSON object");
    json::Value keys;
    for (const json::Member& member : document->members()) {
        if (member.name.to_string() == "keys") keys = member.value;
    }
    if (!keys.is(json::Kind::array)) return std::string("the key set has no array \"keys\"");
    Jwks jwks;
    for (const json::Value& jwk : keys.elements()) {
        std::optional<VerificationKey> key;
        if (jwks.keys.size() < kMaxJwksKeys) key = read_jwk(jwk);
        if (key) {
            jwks.keys.push_back(std::move(*key));
        } else {
            ++jwks.skipped;
        }
    }
    return jwks;
}

}  // namespace roomcast

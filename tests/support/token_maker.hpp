// SPDX-License-Identifier: Apache-2.0
// Keys and tokens for tests, made with OpenSSL and independent of the code under test but for
// base64url.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "auth/base64url.hpp"

namespace roomcast::test {

/// A key pair of its own for each object.
class SigningKey {
public:
    static SigningKey rsa(unsigned bits = 2'048) {
        return SigningKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{bits}));
    }

    static SigningKey ec(const char* curve = "P-256") {
        return SigningKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
    }

    static SigningKey ed25519() {
        return SigningKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    }

    /// As JWT_PUBLIC_KEY takes it.
    [[nodiscard]] std::string public_pem() const {
        const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
        PEM_write_bio_PUBKEY(out.get(), key_.get());
        char* text = nullptr;
        const long size = BIO_get_mem_data(out.get(), &text);
        return {text, static_cast<std::size_t>(size)};
    }

    /// A public JWK; `extra` is put in front of its members, as `"kid":"a","use":"sig",`.
    [[nodiscard]] std::string jwk(const std::string& extra = {}) const {
        if (EVP_PKEY_is_a(key_.get(), "RSA")) {
            return "{" + extra + R"("kty":"RSA","n":")" + number("n") + R"(","e":")" + number("e") +
                   R"("})";
        }
        if (EVP_PKEY_is_a(key_.get(), "EC")) {
            return "{" + extra + R"("kty":"EC","crv":"P-256","x":")" + number("qx", 32) +
                   R"(","y":")" + number("qy", 32) + R"("})";
        }
        std::string raw(32, '\0');
        std::size_t size = raw.size();
        EVP_PKEY_get_raw_public_key(
            key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
        return "{" + extra + R"("kty":"OKP","crv":"Ed25519","x":")" + encode_base64url(raw) +
               R"("})";
    }

    /// The raw signature as JWS wants it: of EC keys r and s behind each other.
    [[nodiscard]] std::string sign(std::string_view text) const {
        const bool is_ed25519 = EVP_PKEY_is_a(key_.get(), "ED25519");
        const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                              EVP_MD_CTX_free);
        EVP_DigestSignInit(
            context.get(), nullptr, is_ed25519 ? nullptr : EVP_sha256(), nullptr, key_.get());
        std::string signature(1'024, '\0');
        std::size_t size = signature.size();
        EVP_DigestSign(context.get(),
                       reinterpret_cast<unsigned char*>(signature.data()),
                       &size,
                       reinterpret_cast<const unsigned char*>(text.data()),
                       text.size());
        signature.resize(size);
        return EVP_PKEY_is_a(key_.get(), "EC") ? der_to_raw(signature) : signature;
    }

    [[nodiscard]] std::string token(const std::string& header, const std::string& claims) const {
        const std::string text = encode_base64url(header) + "." + encode_base64url(claims);
        return text + "." + encode_base64url(sign(text));
    }

private:
    explicit SigningKey(EVP_PKEY* key) : key_(key, EVP_PKEY_free) {}

    [[nodiscard]] std::string number(const char* name, int min_bytes = 0) const {
        BIGNUM* value = nullptr;
        EVP_PKEY_get_bn_param(key_.get(), name, &value);
        std::string bytes(static_cast<std::size_t>(std::max(BN_num_bytes(value), min_bytes)), '\0');
        BN_bn2binpad(
            value, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
        BN_free(value);
        return encode_base64url(bytes);
    }

    static std::string der_to_raw(const std::string& der) {
        const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
        ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size()));
        std::string raw(64, '\0');
        auto* out = reinterpret_cast<unsigned char*>(raw.data());
        BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + 32, 32);
        ECDSA_SIG_free(pair);
        return raw;
    }

    std::shared_ptr<EVP_PKEY> key_;
};

/// A token signed with HMAC; `digest` is that of the algorithm that the header names, or not.
inline std::string hmac_token(const std::string& header,
                              const std::string& claims,
                              std::string_view secret,
                              const EVP_MD* digest = EVP_sha256()) {
    const std::string text = encode_base64url(header) + "." + encode_base64url(claims);
    std::string mac(EVP_MAX_MD_SIZE, '\0');
    unsigned int size = 0;
    HMAC(digest,
         secret.data(),
         static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()),
         text.size(),
         reinterpret_cast<unsigned char*>(mac.data()),
         &size);
    mac.resize(size);
    return text + "." + encode_base64url(mac);
}

/// A key set document of these JWKs.
inline std::string jwks_document(const std::vector<std::string>& jwks) {
    std::string document = R"({"keys":[)";
    for (const std::string& jwk : jwks) {
        if (document.back() == '}') document += ',';
        document += jwk;
    }
    return document + "]}";
}

}  // namespace roomcast::test

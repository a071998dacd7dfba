// SPDX-License-Identifier: Apache-2.0
#include "auth/verification_key.hpp"

#include <array>
#include <optional>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "auth/openssl_handle.hpp"
#include "util/assert.hpp"

namespace roomcast {

namespace {

constexpr int kMinRsaBits = 2'048;
constexpr int kMaxRsaBits = 8'192;  // beyond it one check takes milliseconds
constexpr std::size_t kEs256Half = 32;

const EVP_MD* hmac_digest(Algorithm algorithm) {
    if (algorithm == Algorithm::hs256) return EVP_sha256();
    if (algorithm == Algorithm::hs384) return EVP_sha384();
    ASSERT(algorithm == Algorithm::hs512);
    return EVP_sha512();
}

/// r and s behind each other, 32 bytes each (RFC 7518 section 3.4), as the DER that OpenSSL reads.
std::optional<std::string> es256_to_der(std::string_view signature) {
    if (signature.size() != 2 * kEs256Half) return std::nullopt;
    const EcdsaSignaturePtr pair(ECDSA_SIG_new());
    const unsigned char* bytes = as_bytes(signature.data());
    BIGNUM* r = BN_bin2bn(bytes, kEs256Half, nullptr);
    BIGNUM* s = BN_bin2bn(bytes + kEs256Half, kEs256Half, nullptr);
    if (!pair || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return std::nullopt;
    }
    std::array<unsigned char, 2 * kEs256Half + 16> der;
    unsigned char* end = der.data();
    const int size = i2d_ECDSA_SIG(pair.get(), &end);
    if (size <= 0) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(der.data()), static_cast<std::size_t>(size));
}

/// `digest` is null for Ed25519, which has its own.
bool verify_with(EVP_PKEY* key,
                 const EVP_MD* digest,
                 std::string_view text,
                 std::string_view signature) {
    const OpensslErrorScope errors;
    const DigestContextPtr context(EVP_MD_CTX_new());
    return context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
           EVP_DigestVerify(context.get(),
                            as_bytes(signature.data()),
                            signature.size(),
                            as_bytes(text.data()),
                            text.size()) == 1;
}

bool is_p256(const EVP_PKEY* key) {
    std::array<char, 64> group{};
    std::size_t size = 0;
    return EVP_PKEY_get_utf8_string_param(
               key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), &size) == 1 &&
           std::string_view(group.data(), size) == "prime256v1";
}

struct PemBlock {
    std::string label;  // what stands behind BEGIN
    std::string der;
};

/// The next block of `pem`; nothing at its end, and for a broken block.
std::optional<PemBlock> read_pem_block(BIO* pem) {
    char* label = nullptr;
    char* header = nullptr;
    unsigned char* bytes = nullptr;
    long size = 0;
    if (PEM_read_bio(pem, &label, &header, &bytes, &size) != 1) return std::nullopt;
    PemBlock block{label, {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)}};
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(bytes);
    return block;
}

Outcome<VerificationKey, std::string> read_pem_key(const PemBlock& block) {
    if (block.label != "PUBLIC KEY") {
        return std::string("a PEM block that is no \"PUBLIC KEY\"");  // it may be a private one
    }
    const unsigned char* bytes = as_bytes(block.der.data());
    EVP_PKEY* key = d2i_PUBKEY(nullptr, &bytes, static_cast<long>(block.der.size()));
    if (!key) return std::string("a PEM block whose key cannot be read");
    return VerificationKey::from_public_key(key, {});
}

}  // namespace

VerificationKey VerificationKey::from_secret(std::string secret) {
    ASSERT(!secret.empty());
    VerificationKey key(KeyKind::secret, {});
    key.secret_ = std::move(secret);
    return key;
}

Outcome<VerificationKey, std::string> VerificationKey::from_public_key(evp_pkey_st* public_key,
                                                                       std::string id) {
    const OpensslErrorScope errors;
    std::shared_ptr<EVP_PKEY> owned(public_key, EVP_PKEY_free);
    KeyKind kind;
    if (EVP_PKEY_is_a(public_key, "RSA")) {
        const int bits = EVP_PKEY_get_bits(public_key);
        if (bits < kMinRsaBits) return std::string("an RSA key must have at least 2048 bits");
        if (bits > kMaxRsaBits) return std::string("an RSA key may have at most 8192 bits");
        kind = KeyKind::rsa;
    } else if (EVP_PKEY_is_a(public_key, "EC")) {
        if (!is_p256(public_key)) return std::string("an EC key must be on the curve P-256");
        kind = KeyKind::ec_p256;
    } else if (EVP_PKEY_is_a(public_key, "ED25519")) {
        kind = KeyKind::ed25519;
    } else {
        return std::string("the key is neither RSA, nor EC on P-256, nor Ed25519");
    }
    VerificationKey key(kind, std::move(id));
    key.public_key_ = std::move(owned);
    return key;
}

bool VerificationKey::verify(Algorithm algorithm,
                             std::string_view text,
                             std::string_view signature) const {
    if (key_kind(algorithm) != kind_) return false;
    switch (kind_) {
        case KeyKind::secret: {
            const std::string expected = hmac_signature(algorithm, secret_, text);
            return expected.size() == signature.size() &&
                   CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) == 0;
        }
        case KeyKind::rsa:
            return verify_with(public_key_.get(), EVP_sha256(), text, signature);
        case KeyKind::ec_p256: {
            const std::optional<std::string> der = es256_to_der(signature);
            return der && verify_with(public_key_.get(), EVP_sha256(), text, *der);
        }
        case KeyKind::ed25519:
            return verify_with(public_key_.get(), nullptr, text, signature);
    }
    ASSERT(false);
}

std::string hmac_signature(Algorithm algorithm, std::string_view secret, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
    unsigned int size = 0;
    const unsigned char* made = HMAC(hmac_digest(algorithm),
                                     secret.data(),
                                     static_cast<int>(secret.size()),
                                     as_bytes(text.data()),
                                     text.size(),
                                     bytes.data(),
                                     &size);
    ASSERT(made != nullptr);
    return std::string(reinterpret_cast<const char*>(bytes.data()), size);
}

Outcome<std::vector<VerificationKey>, std::string> read_pem_keys(std::string_view pem) {
    const OpensslErrorScope errors;
    const BioPtr input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    std::vector<VerificationKey> keys;
    while (const std::optional<PemBlock> block = read_pem_block(input.get())) {
        // NOLINTNEXTLINE(bugprone-unchecked-optional-access): not seen through a loop's declaration
        auto key = read_pem_key(*block);
        if (!key) return key.error();
        keys.push_back(std::move(*key));
    }
    // Reading ends with "no start line" at the end of the text; all else is a broken block.
    const bool is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (!is_at_end) return std::string("a PEM block that is cut off or no base64");
    if (keys.empty()) return std::string("no PEM block \"-----BEGIN PUBLIC KEY-----\"");
    return keys;
}

}  // namespace roomcast

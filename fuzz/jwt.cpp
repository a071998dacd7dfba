// SPDX-License-Identifier: Apache-2.0
// Tokens, claims and key sets from outside. The first byte of the input says what the rest is.
#include "auth/jwt.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/base64url.hpp"
#include "auth/jwks.hpp"
#include "auth/key_set.hpp"
#include "fuzz/require.hpp"

namespace {

using namespace roomcast;

constexpr std::int64_t kNowMs = 1'700'000'000'000;
constexpr std::string_view kSecret = "secret";

const KeySet& keys() {
    static const KeySet kKeys = [] {
        auto jwks = parse_jwks(
            R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"d",)"
            R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},)"
            R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
            R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})");
        jwks->keys.push_back(VerificationKey::from_secret(std::string(kSecret)));
        return KeySet(std::move(jwks->keys));
    }();
    return kKeys;
}

JwtRules rules() {
    JwtRules rules;
    rules.claims.audience = "chat";
    return rules;
}

/// What a user must be like, however a token that was taken came about.
void check(const JwtResult& result) {
    if (!result) return REQUIRE(!result.error().reason.empty());
    REQUIRE(!result->user_id.empty() && result->user_id.size() <= 256);
    REQUIRE(!is_expired(result->expires_at, rules().claims, kNowMs));
}

/// Signed well, so that header and claims are read: `header` up to the first line feed.
void check_signed(std::string_view text) {
    const std::size_t end = text.find('\n');
    const std::string_view header = text.substr(0, end);
    const std::string_view claims = end == std::string_view::npos ? "" : text.substr(end + 1);
    std::string token = encode_base64url(header) + "." + encode_base64url(claims);
    const std::string signature = hmac_signature(Algorithm::hs256, kSecret, token);
    token += "." + encode_base64url(signature);
    check(verify_jwt(token, keys(), rules(), kNowMs));
}

/// One text for one value: what can be read is what would be written.
void check_base64url(std::string_view text) {
    const auto bytes = decode_base64url(text);
    REQUIRE(!bytes || encode_base64url(*bytes) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    switch (bytes[0] % 5) {
        case 0:
            check(verify_jwt(text, keys(), rules(), kNowMs));
            break;
        case 1:
            check_signed(text);
            break;
        case 2:
            if (const auto jwks = parse_jwks(text)) (void)jwks->keys.size();
            break;
        case 3:
            if (const auto pem = read_pem_keys(text)) (void)pem->size();
            break;
        default:
            check_base64url(text);
    }
    return 0;
}

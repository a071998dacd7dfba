// SPDX-License-Identifier: Apache-2.0
#include "app/token_verifier.hpp"

#include <exception>
#include <utility>

#include "app/token_verifier_jwks.hpp"
#include "auth/caching_verifier.hpp"

namespace roomcast {

namespace {

using MakeResult = Outcome<std::unique_ptr<TokenVerifier>, std::string>;

/// For keys that never change while the process runs.
class StaticTokenVerifier final : public TokenVerifier {
public:
    StaticTokenVerifier(KeySet keys, JwtRules rules, const Clock& clock)
        : clock_(clock),
          verifier_(std::move(keys), std::move(rules)) {}

    void verify(std::string token, VerifyCallback done) override {
        done(to_verify_result(verifier_.verify(token, clock_.wall_ms())));
    }

private:
    const Clock& clock_;
    CachingVerifier verifier_;
};

MakeResult complain(std::string problem) {
    return {boost::system::in_place_error, std::move(problem)};
}

}  // namespace

MakeResult make_token_verifier(TokenVerifierConfig config,
                               const Clock& clock,
                               PosterSource current_poster) {
    if (config.jwks_url.empty()) {
        return {boost::system::in_place_value,
                std::make_unique<StaticTokenVerifier>(
                    std::move(config.keys), std::move(config.rules), clock)};
    }
    const auto url = http::parse_url(config.jwks_url);
    if (!url) return complain("JWT_JWKS_URL cannot be used: " + url.error());
    try {
        return {boost::system::in_place_value,
                std::make_unique<JwksTokenVerifier>(
                    std::move(config), *url, clock, std::move(current_poster))};
    } catch (const std::exception& failure) {  // certificates, or no further thread
        return complain(std::string("JWT_JWKS_URL cannot be used: ") + failure.what());
    }
}

}  // namespace roomcast

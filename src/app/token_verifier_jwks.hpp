// SPDX-License-Identifier: Apache-2.0
// Verifies tokens with the keys that an identity provider publishes and changes now and then.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "app/token_verifier.hpp"
#include "auth/caching_verifier.hpp"
#include "http/https_client.hpp"
#include "model/identity.hpp"
#include "util/clock.hpp"

namespace roomcast {

[[nodiscard]] VerifyResult to_verify_result(JwtResult result);

/// Fetches the key set at the start, every few minutes, and when a token names a key that is not in
/// it (at most every few seconds, so that forged tokens do not make us flood the provider). A fetch
/// that fails leaves the keys as they were.
class JwksTokenVerifier final : public TokenVerifier {
public:
    /// Throws std::runtime_error when the certificates to trust cannot be read.
    JwksTokenVerifier(TokenVerifierConfig config,
                      http::Url url,
                      const Clock& clock,
                      PosterSource current_poster);
    ~JwksTokenVerifier() override;

    void verify(std::string token, VerifyCallback done) override;

private:
    /// A verification that waits for a fetch.
    struct Waiting {
        std::string token;
        Poster post;
        VerifyCallback done;
    };

    enum class Wait : std::uint8_t {
        begun,     // the token is in line
        needless,  // newer keys came a moment ago
        useless,   // the keys are fresh, or too many tokens wait
    };

    using WaitingById = std::unordered_map<std::uint64_t, Waiting>;

    [[nodiscard]] std::shared_ptr<CachingVerifier> current() const;
    /// Puts the token in line for newer keys than those of `tried`.
    [[nodiscard]] Wait wait_for_keys(const CachingVerifier& tried,
                                     const std::string& token,
                                     const VerifyCallback& done);
    void begin_fetch();
    // On the client's thread.
    void on_fetched(const http::ClientResult& answer);
    void take_keys(const http::ClientResult& answer);
    void on_waited_too_long(std::uint64_t id);

    static void answer(Waiting waiting, VerifyResult result);

    const TokenVerifierConfig config_;
    const http::Url url_;
    const Clock& clock_;
    const PosterSource current_poster_;

    /// Guards all below, which every shard's verify() and the client's thread use: held for a copy
    /// of a pointer, or to put a token in line.
    mutable std::mutex mutex_;
    std::shared_ptr<CachingVerifier> verifier_;
    bool is_fetching_ = false;
    SteadyTime last_fetch_;
    std::uint64_t last_id_ = 0;
    WaitingById waiting_;

    // Of the client's thread alone.
    std::string document_;  // of the keys in use
    std::string problem_;   // why the last fetch failed; empty: it did not
    std::uint64_t fetches_ = 0;

    http::HttpsClient client_;  // last: its thread uses all of the above
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// From the settings of JWT mode to what verifies clients' tokens.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "auth/jwt.hpp"
#include "auth/key_set.hpp"
#include "http/https_client.hpp"
#include "model/identity.hpp"
#include "util/clock.hpp"
#include "util/result.hpp"

namespace roomcast {

/// Runs `work` on the thread for which it was made, soon. Called from another thread; may drop the
/// work when that thread has ended.
using Poster = std::function<void(std::function<void()> work)>;
/// Gives the Poster of the calling thread.
using PosterSource = std::function<Poster()>;

/// How a key set is fetched and kept.
struct JwksOptions {
    std::chrono::milliseconds refresh{300'000};     // after a fetch that went well
    std::chrono::milliseconds retry{15'000};        // after one that failed
    std::chrono::milliseconds min_interval{5'000};  // between fetches that tokens ask for
    std::chrono::milliseconds max_wait{2'000};      // of a token whose key is not known yet
    std::size_t max_waiting = 4'096;                // tokens at a time; more are refused
    http::ClientLimits limits = {};
    std::string ca_file = {};  // empty: the system's certificates
};

/// From the settings of JWT mode.
struct TokenVerifierConfig {
    KeySet keys;  // secrets and public keys that never change
    JwtRules rules = {};
    std::string jwks_url = {};  // where more keys are published; empty: nowhere
    JwksOptions jwks = {};
};

/// Builds the verifier of JWT mode: one per process, for all threads. Without `jwks_url` it answers
/// from within verify(), and `current_poster` may be empty. With it, it starts fetching at once, on
/// a thread of its own; a token whose key is not known waits for the fetch, and its callback then
/// goes through the Poster that `current_poster` gave on the thread that called verify(). The
/// destructor answers what still waits, through those Posters. `clock` outlives the verifier.
/// Error: a sentence that says what is wrong with `jwks_url` or the certificates.
[[nodiscard]] Outcome<std::unique_ptr<TokenVerifier>, std::string> make_token_verifier(
    TokenVerifierConfig config, const Clock& clock, PosterSource current_poster);

}  // namespace roomcast

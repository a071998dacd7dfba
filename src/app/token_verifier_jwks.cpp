// SPDX-License-Identifier: Apache-2.0
#include "app/token_verifier_jwks.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "auth/jwks.hpp"
#include "util/log.hpp"

namespace roomcast {

namespace {

VerifyResult refuse(std::string reason) {
    return {boost::system::in_place_error, std::move(reason)};
}

/// Error: why the answer gives no keys.
Outcome<Jwks, std::string> read_answer(const http::ClientResult& answer) {
    if (!answer) return answer.error();
    if (answer->status != 200) return "it answers with status " + std::to_string(answer->status);
    auto jwks = parse_jwks(answer->body);
    // Nobody could sign in any more: more likely a mishap at the provider than its will.
    if (jwks && jwks->keys.empty()) return std::string("the key set has no key that can be used");
    return jwks;
}

}  // namespace

VerifyResult to_verify_result(JwtResult result) {
    if (!result) return refuse(std::move(result.error().reason));
    return std::move(*result);
}

JwksTokenVerifier::JwksTokenVerifier(TokenVerifierConfig config,
                                     http::Url url,
                                     const Clock& clock,
                                     PosterSource current_poster)
    : config_(std::move(config)),
      url_(std::move(url)),
      clock_(clock),
      current_poster_(std::move(current_poster)),
      verifier_(std::make_shared<CachingVerifier>(config_.keys, config_.rules)),
      client_(config_.jwks.ca_file) {
    begin_fetch();
}

JwksTokenVerifier::~JwksTokenVerifier() {
    client_.stop();
    for (auto& [id, waiting] : waiting_) {
        answer(std::move(waiting), refuse("the server is stopping"));
    }
}

void JwksTokenVerifier::verify(std::string token, VerifyCallback done) {
    while (true) {
        const std::shared_ptr<CachingVerifier> verifier = current();
        JwtResult result = verifier->verify(token, clock_.wall_ms());
        if (!result && result.error().is_unknown_key) {
            const Wait wait = wait_for_keys(*verifier, token, done);
            if (wait == Wait::begun) return;
            if (wait == Wait::needless) continue;
        }
        return done(to_verify_result(std::move(result)));
    }
}

std::shared_ptr<CachingVerifier> JwksTokenVerifier::current() const {
    const std::lock_guard lock(mutex_);
    return verifier_;
}

JwksTokenVerifier::Wait JwksTokenVerifier::wait_for_keys(const CachingVerifier& tried,
                                                         const std::string& token,
                                                         const VerifyCallback& done) {
    Waiting waiting{token, current_poster_(), done};
    std::uint64_t id;
    bool must_fetch;
    {
        const std::lock_guard lock(mutex_);
        if (verifier_.get() != &tried) return Wait::needless;
        const bool may_fetch = clock_.steady() - last_fetch_ >= config_.jwks.min_interval;
        if (!is_fetching_ && !may_fetch) return Wait::useless;
        if (waiting_.size() >= config_.jwks.max_waiting) return Wait::useless;
        must_fetch = !is_fetching_;
        id = ++last_id_;
        waiting_.emplace(id, std::move(waiting));
    }
    client_.run_after(config_.jwks.max_wait, [this, id] { on_waited_too_long(id); });
    if (must_fetch) begin_fetch();
    return Wait::begun;
}

void JwksTokenVerifier::begin_fetch() {
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(is_fetching_, true)) return;
        last_fetch_ = clock_.steady();
    }
    client_.get(url_, config_.jwks.limits, [this](const http::ClientResult& answer) {
        on_fetched(answer);
    });
}

void JwksTokenVerifier::on_fetched(const http::ClientResult& fetched) {
    take_keys(fetched);
    WaitingById waiting;
    std::shared_ptr<CachingVerifier> verifier;
    {
        const std::lock_guard lock(mutex_);
        is_fetching_ = false;
        waiting.swap(waiting_);
        verifier = verifier_;
    }
    for (auto& [id, each] : waiting) {
        JwtResult result = verifier->verify(each.token, clock_.wall_ms());
        const bool is_unknown = !result && result.error().is_unknown_key;
        if (is_unknown && !problem_.empty()) {
            answer(std::move(each),
                   refuse(result.error().reason + ", and newer keys are not to be had now"));
        } else {
            answer(std::move(each), to_verify_result(std::move(result)));
        }
    }
    // A fetch that a token asked for in between makes a later one due, and this timer idle.
    client_.run_after(problem_.empty() ? config_.jwks.refresh : config_.jwks.retry,
                      [this, fetches = ++fetches_] {
                          if (fetches == fetches_) begin_fetch();
                      });
}

void JwksTokenVerifier::take_keys(const http::ClientResult& fetched) {
    auto jwks = read_answer(fetched);
    if (!jwks) {
        problem_ = jwks.error();
        log::warn("key set not fetched, the old keys stay in use",
                  {{"host", url_.host}, {"reason", problem_}});
        return;
    }
    problem_.clear();
    if (fetched->body == document_) return;  // and the cache of good tokens stays warm
    document_ = fetched->body;
    log::info("key set fetched",
              {{"host", url_.host}, {"keys", jwks->keys.size()}, {"skipped", jwks->skipped}});
    std::vector<VerificationKey> keys = config_.keys.keys();
    keys.insert(keys.end(), jwks->keys.begin(), jwks->keys.end());
    auto verifier = std::make_shared<CachingVerifier>(KeySet(std::move(keys)), config_.rules);
    const std::lock_guard lock(mutex_);
    verifier_ = std::move(verifier);
}

void JwksTokenVerifier::on_waited_too_long(std::uint64_t id) {
    std::optional<Waiting> waiting;
    {
        const std::lock_guard lock(mutex_);
        const auto found = waiting_.find(id);
        if (found == waiting_.end()) return;  // answered
        waiting = std::move(found->second);
        waiting_.erase(found);
    }
    answer(std::move(*waiting), refuse("its key cannot be fetched in time"));
}

void JwksTokenVerifier::answer(Waiting waiting, VerifyResult result) {
    waiting.post([done = std::move(waiting.done), result = std::move(result)] { done(result); });
}

}  // namespace roomcast

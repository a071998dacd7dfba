// SPDX-License-Identifier: Apache-2.0
// Tokens of an identity provider whose key set is fetched over HTTP and HTTPS and rotates.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/token_verifier.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/tiny_http_server.hpp"
#include "tests/support/token_maker.hpp"

namespace roomcast {
namespace {

using namespace std::chrono_literals;
using test::jwks_document;
using test::SigningKey;
using test::TinyHttpServer;
using testing::HasSubstr;

/// Stands for a shard: runs what is posted to it on the thread that calls run_until().
class CallerLoop {
public:
    [[nodiscard]] Poster poster() {
        return [this](std::function<void()> work) {
            const std::lock_guard lock(mutex_);
            work_.push_back(std::move(work));
            has_work_.notify_one();
        };
    }

    /// False when `is_done` does not hold within ten seconds.
    template <class Condition>
    bool run_until(Condition is_done) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (!is_done()) {
            std::unique_lock lock(mutex_);
            if (!has_work_.wait_until(lock, deadline, [this] { return !work_.empty(); })) {
                return false;
            }
            const std::function<void()> work = std::move(work_.front());
            work_.pop_front();
            lock.unlock();
            work();
        }
        return true;
    }

private:
    std::mutex mutex_;  // the verifier's thread posts, the test's runs
    std::condition_variable has_work_;
    std::deque<std::function<void()>> work_;
};

/// Fetches as soon as a token asks for it, and by itself only once.
JwksOptions eager_options() {
    JwksOptions options;
    options.min_interval = 0ms;
    options.retry = 1h;
    options.refresh = 1h;
    return options;
}

class JwksTest : public testing::Test {
protected:
    void start(JwksOptions options, std::string scheme_and_host = "http://127.0.0.1") {
        auto made = make_token_verifier({further_keys_,
                                         {},
                                         scheme_and_host + ":" + server_->port() + "/jwks",
                                         std::move(options)},
                                        clock_,
                                        [this] { return loop_.poster(); });
        ASSERT_TRUE(made) << made.error();
        verifier_ = std::move(*made);
    }

    /// The user, or the refusal, once it is there; and on this thread.
    std::string verify(const std::string& token) {
        std::optional<std::string> outcome;
        const std::thread::id here = std::this_thread::get_id();
        verifier_->verify(token, [&](const VerifyResult& result) {
            EXPECT_EQ(std::this_thread::get_id(), here);
            EXPECT_FALSE(outcome.has_value()) << "called twice";
            outcome = result ? result->user_id : "refused: " + result.error();
        });
        if (!loop_.run_until([&] { return outcome.has_value(); })) return "no answer";
        return *outcome;
    }

    void publish(const std::vector<std::string>& jwks) { server_->set_body(jwks_document(jwks)); }

    static std::string token(const SigningKey& key, const std::string& key_id) {
        return key.token(R"({"alg":"ES256","kid":")" + key_id + "\"}", R"({"sub":"alice"})");
    }

    static std::string jwk(const SigningKey& key, const std::string& key_id) {
        return key.jwk("\"kid\":\"" + key_id + "\",");
    }

    const SigningKey old_key_ = SigningKey::ec();
    const SigningKey new_key_ = SigningKey::ec();
    ManualClock clock_;
    KeySet further_keys_;
    CallerLoop loop_;
    std::unique_ptr<TinyHttpServer> server_ = std::make_unique<TinyHttpServer>();
    std::unique_ptr<TokenVerifier> verifier_;  // last: it answers through the loop when it ends
};

TEST_F(JwksTest, TokenThatComesBeforeTheFirstKeySetWaitsForIt) {
    publish({jwk(old_key_, "1")});
    start(JwksOptions{});
    EXPECT_EQ(verify(token(old_key_, "1")), "alice");
    EXPECT_EQ(server_->requests(), 1);
}

TEST_F(JwksTest, KnownKeyIsAnsweredFromWithinTheCall) {
    publish({jwk(old_key_, "1")});
    start(JwksOptions{});
    ASSERT_EQ(verify(token(old_key_, "1")), "alice");
    bool is_answered = false;
    verifier_->verify(token(old_key_, "1"),
                      [&](const VerifyResult& result) { is_answered = result.has_value(); });
    EXPECT_TRUE(is_answered);
    EXPECT_EQ(server_->requests(), 1);
}

TEST_F(JwksTest, KeySetThatRotatesIsFetchedOnTheFirstTokenOfTheNewKey) {
    publish({jwk(old_key_, "1")});
    start(eager_options());
    ASSERT_EQ(verify(token(old_key_, "1")), "alice");
    publish({jwk(new_key_, "2")});
    EXPECT_EQ(verify(token(old_key_, "1")), "alice");
    EXPECT_EQ(server_->requests(), 1);
    EXPECT_EQ(verify(token(new_key_, "2")), "alice");
    EXPECT_EQ(server_->requests(), 2);
    // The old key is gone, and what was remembered of its tokens with it.
    EXPECT_THAT(verify(token(old_key_, "1")), HasSubstr("no known key"));
}

TEST_F(JwksTest, KeySetIsFetchedAgainNowAndThen) {
    publish({jwk(old_key_, "1")});
    JwksOptions options;  // a token alone would cause no second fetch: the clock stands still
    options.refresh = 20ms;
    start(std::move(options));
    ASSERT_EQ(verify(token(old_key_, "1")), "alice");
    publish({jwk(old_key_, "1"), jwk(new_key_, "2")});
    std::string outcome;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (outcome != "alice" && std::chrono::steady_clock::now() < deadline) {
        outcome = verify(token(new_key_, "2"));
    }
    EXPECT_EQ(outcome, "alice");
}

TEST_F(JwksTest, ForgedKeyIdsDoNotFloodTheProvider) {
    publish({jwk(old_key_, "1")});
    start(JwksOptions{});
    ASSERT_EQ(verify(token(old_key_, "1")), "alice");
    for (int i = 0; i < 20; ++i) {
        EXPECT_THAT(verify(token(new_key_, "forged" + std::to_string(i))),
                    HasSubstr("no known key"));
    }
    EXPECT_EQ(server_->requests(), 1);
    clock_.advance(5s);
    for (int i = 0; i < 20; ++i) {
        EXPECT_THAT(verify(token(new_key_, "forged")), HasSubstr("no known key"));
    }
    EXPECT_EQ(server_->requests(), 2);
}

TEST_F(JwksTest, BadSignatureOfAKnownKeyFetchesNothing) {
    publish({jwk(old_key_, "1")});
    start(eager_options());
    ASSERT_EQ(verify(token(old_key_, "1")), "alice");
    EXPECT_THAT(verify(token(new_key_, "1")), HasSubstr("signature does not match"));
    EXPECT_EQ(server_->requests(), 1);
}

TEST_F(JwksTest, OldKeysStayInUseWhenAFetchFails) {
    publish({jwk(old_key_, "1")});
    start(eager_options());
    ASSERT_EQ(verify(token(old_key_, "1")), "alice");
    for (const std::string answer :
         {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
          "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"keys\":[]}",
          "nonsense\r\n\r\n"}) {
        server_->set_raw_answer(answer);
        EXPECT_THAT(verify(token(new_key_, "2")), HasSubstr("newer keys are not to be had now"))
            << answer;
        EXPECT_EQ(verify(token(old_key_, "1")), "alice") << answer;
    }
    EXPECT_EQ(server_->requests(), 6);
    publish({jwk(new_key_, "2")});
    EXPECT_EQ(verify(token(new_key_, "2")), "alice");
}

TEST_F(JwksTest, TokenWaitsNoLongerThanItsTime) {
    server_->go_silent();
    JwksOptions options;
    options.max_wait = 50ms;
    options.limits.deadline = 1h;
    start(std::move(options));
    EXPECT_THAT(verify(token(old_key_, "1")), HasSubstr("in time"));
}

TEST_F(JwksTest, OnlySoManyTokensWait) {
    server_->go_silent();
    JwksOptions options;
    options.max_wait = 1h;
    options.max_waiting = 3;
    options.limits.deadline = 1h;
    start(std::move(options));
    int answered = 0;
    for (int i = 0; i < 5; ++i) {
        verifier_->verify(token(old_key_, "1"), [&](const VerifyResult&) { ++answered; });
    }
    EXPECT_EQ(answered, 2);
    verifier_.reset();
    EXPECT_TRUE(loop_.run_until([&] { return answered == 5; }));
}

TEST_F(JwksTest, EndOfTheServerAnswersWhatWaits) {
    server_->go_silent();
    JwksOptions options;
    options.max_wait = 1h;
    options.limits.deadline = 1h;
    start(std::move(options));
    std::string reason;
    verifier_->verify(token(old_key_, "1"),
                      [&](const VerifyResult& result) { reason = result.error(); });
    verifier_.reset();
    ASSERT_TRUE(loop_.run_until([&] { return !reason.empty(); }));
    EXPECT_EQ(reason, "the server is stopping");
}

TEST_F(JwksTest, SecretsAndPublicKeysWorkBesideAKeySetThatIsAway) {
    auto keys = read_pem_keys(new_key_.public_pem());
    ASSERT_TRUE(keys);
    keys->push_back(VerificationKey::from_secret("a secret"));
    further_keys_ = KeySet(std::move(*keys));
    server_->set_raw_answer("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
    start(eager_options());
    EXPECT_EQ(verify(test::hmac_token(R"({"alg":"HS256"})", R"({"sub":"bob"})", "a secret")),
              "bob");
    EXPECT_EQ(verify(token(new_key_, "any")), "alice");
}

TEST_F(JwksTest, SeveralThreadsVerifyWhileKeysRotate) {
    publish({jwk(old_key_, "1"), jwk(new_key_, "2")});
    JwksOptions options = eager_options();
    options.refresh = 1ms;
    start(std::move(options));
    ASSERT_EQ(verify(token(old_key_, "1")), "alice");
    const std::vector<std::string> tokens = {token(old_key_, "1"), token(new_key_, "2")};
    std::atomic<int> answered = 0;
    std::atomic<int> good = 0;
    const auto work = [&] {
        for (std::size_t i = 0; i < 100; ++i) {
            verifier_->verify(tokens[i % 2], [&](const VerifyResult& result) {
                good += result.has_value();
                ++answered;
            });
        }
    };
    std::thread first(work);
    std::thread second(work);
    for (int i = 0; i < 20; ++i) {
        publish({jwk(old_key_, "1"), i % 2 ? jwk(new_key_, "2") : jwk(new_key_, "3")});
        verifier_->verify(token(new_key_, "3"), [&](const VerifyResult&) { ++answered; });
    }
    first.join();
    second.join();
    ASSERT_TRUE(loop_.run_until([&] { return answered == 220; }));
    EXPECT_GE(good, 100);  // every token of the key that stays
}

TEST_F(JwksTest, KeySetComesOverHttpsFromATrustedHostAlone) {
    const test::TlsIdentity identity("localhost");
    const std::string trusted =
        testing::TempDir() + "jwks_test." + std::to_string(::getpid()) + ".pem";
    identity.write_certificate(trusted);
    server_ = std::make_unique<TinyHttpServer>(&identity);
    publish({jwk(old_key_, "1")});
    JwksOptions options = eager_options();
    options.ca_file = trusted;
    start(options, "https://localhost");
    EXPECT_EQ(verify(token(old_key_, "1")), "alice");
    options.ca_file = {};
    start(options, "https://localhost");
    EXPECT_THAT(verify(token(old_key_, "1")), HasSubstr("newer keys are not to be had now"));
    std::remove(trusted.c_str());
}

TEST(MakeTokenVerifierTest, StaticKeysAnswerFromWithinTheCall) {
    TokenVerifierConfig config;
    config.keys =
        KeySet({VerificationKey::from_secret("new"), VerificationKey::from_secret("old")});
    config.rules.claims.audience = "chat";
    const SystemClock clock;
    auto verifier = make_token_verifier(std::move(config), clock, nullptr);
    ASSERT_TRUE(verifier);
    std::string user;
    (*verifier)->verify(
        test::hmac_token(R"({"alg":"HS256"})", R"({"sub":"alice","aud":"chat"})", "old"),
        [&](const VerifyResult& result) { user = result->user_id; });
    EXPECT_EQ(user, "alice");
}

TEST(MakeTokenVerifierTest, UrlAndCertificatesThatCannotBeUsedAreNamed) {
    const SystemClock clock;
    TokenVerifierConfig config;
    config.jwks_url = "ftp://id.example";
    EXPECT_THAT(make_token_verifier(config, clock, nullptr).error(), HasSubstr("JWT_JWKS_URL"));
    config.jwks_url = "https://id.example";
    config.jwks.ca_file = "/nonexistent.pem";
    EXPECT_THAT(make_token_verifier(config, clock, nullptr).error(),
                HasSubstr("certificates cannot be read"));
}

}  // namespace
}  // namespace roomcast

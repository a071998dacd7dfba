// SPDX-License-Identifier: Apache-2.0
// What a session checks, limits and refuses, and its token.
#include <functional>

#include "tests/unit/core/core_test.hpp"

namespace roomcast {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kNow = 1'620'000'000;

/// Answers at once, or when the test says so.
class FakeVerifier final : public TokenVerifier {
public:
    void verify(std::string, VerifyCallback done) override { waiting_.push_back(std::move(done)); }

    void answer(VerifyResult result) {
        const auto done = std::move(waiting_.front());
        waiting_.erase(waiting_.begin());
        done(std::move(result));
    }

private:
    std::vector<VerifyCallback> waiting_;
};

class SessionTest : public CoreTest {
protected:
    static Identity identity(std::optional<std::int64_t> expires_at = std::nullopt,
                             Rights rights = Rights::all()) {
        return {.user_id = "alice",
                .rights = std::move(rights),
                .expires_at = expires_at,
                .issued_at = kNow};
    }

    std::unique_ptr<TestClient> connect_with(Identity who,
                                             bool is_versioned = true,
                                             bool close_on_expiry = true) {
        auto client = connect("alice",
                              {.identity = std::move(who),
                               .is_versioned = is_versioned,
                               .verifier = &verifier_,
                               .close_on_expiry = close_on_expiry,
                               .peer = {}});
        client->take();
        return client;
    }

    FakeVerifier verifier_;
};

INSTANTIATE_CORE_TEST(SessionTest);

TEST_P(SessionTest, ABadMessageIsAnsweredAndTheConnectionStays) {
    auto alice = connect("alice");
    EXPECT_THAT(alice->ask("nonsense"), ElementsAre(HasSubstr(R"("code":4000)")));
    EXPECT_THAT(alice->ask(R"({"type":"ping","id":1})"), ElementsAre(R"({"type":"pong","id":1})"));
    EXPECT_EQ(hub().shard(0).metrics().errors[0].value(), 1U);
}

TEST_P(SessionTest, EveryCommandNeedsItsRight) {
    Rights rights = Rights::none();
    rights.grant("mine", 7);
    auto alice = connect_with(identity({}, rights));
    for (const std::string type : {R"("subscribe","listen":["broadcast"])",
                                   R"("broadcast","event":"e")",
                                   R"("presence_join")",
                                   R"("presence_leave")",
                                   R"("presence_get")"}) {
        const auto message = [&](const std::string& channel) {
            return R"({"id":1,"channel":")" + channel + R"(","type":)" + type + '}';
        };
        EXPECT_THAT(alice->ask(message("theirs")), ElementsAre(HasSubstr(R"("code":4003)")))
            << type;
        EXPECT_THAT(alice->ask(message("mine")), Not(Contains(HasSubstr("error")))) << type;
    }
}

TEST_P(SessionTest, ASessionWithTooManyUnansweredCommandsIsNotRead) {
    limits_.unanswered_commands = 3;
    broker_.set_instant(false);
    auto alice = connect("alice");
    alice->ask(R"({"type":"subscribe","channel":"a","listen":["broadcast"]})");
    alice->ask(R"({"type":"broadcast","channel":"a","event":"no id, no answer"})");
    alice->ask(R"({"type":"broadcast","id":1,"channel":"a","event":"e"})");
    EXPECT_TRUE(alice->outlet().is_reading());
    alice->ask(R"({"type":"broadcast","id":2,"channel":"a","event":"e"})");
    EXPECT_FALSE(alice->outlet().is_reading());
    broker_.confirm_all();
    settle();
    EXPECT_TRUE(alice->outlet().is_reading());
}

// ---- the message rate ----

TEST_P(SessionTest, AMessageOverTheRateIsRefusedAndNotProcessed) {
    limits_.message_rate = 10;
    limits_.message_burst = 2;
    auto alice = connect("alice");
    alice->ask(R"({"type":"ping"})");
    alice->ask(R"({"type":"ping"})");
    EXPECT_THAT(alice->ask(R"({"type":"ping","id":7})"),
                ElementsAre(AllOf(HasSubstr(R"("id":7,"code":4029)"),
                                  HasSubstr(R"("retry_after_ms":100)"))));
    pass(100ms);
    EXPECT_THAT(alice->ask(R"({"type":"ping","id":8})"), ElementsAre(R"({"type":"pong","id":8})"));
    EXPECT_EQ(sum(&ShardMetrics::rate_limited), 1U);
}

TEST_P(SessionTest, AClientThatKeepsFloodingIsClosed) {
    limits_.message_rate = 10;
    limits_.message_burst = 1;
    auto alice = connect("alice");
    for (int i = 0; i < 199 && !alice->outlet().close_code(); ++i) {
        alice->ask(R"({"type":"ping"})");
        alice->ask(R"({"type":"ping"})");
        pass(50ms);
    }
    EXPECT_FALSE(alice->outlet().close_code());
    for (int i = 0; i < 3; ++i) {
        alice->ask(R"({"type":"ping"})");
        alice->ask(R"({"type":"ping"})");
        pass(50ms);
    }
    EXPECT_EQ(alice->outlet().close_code(), CloseCode::rate_limited);
    EXPECT_THAT(alice->ask(R"({"type":"ping"})"), testing::Each(Not(HasSubstr("pong"))));
}

TEST_P(SessionTest, AClientThatPausesIsNotClosed) {
    limits_.message_rate = 1;
    limits_.message_burst = 1;
    auto alice = connect("alice");
    for (int i = 0; i < 20; ++i) {
        alice->ask(R"({"type":"ping"})");
        alice->ask(R"({"type":"ping"})");
        pass(2s);
    }
    EXPECT_FALSE(alice->outlet().close_code());
}

// ---- the token ----

TEST_P(SessionTest, AnExpiringTokenIsAnnouncedAndThenEndsTheConnection) {
    auto alice = connect_with(identity(kNow + 3600));
    pass(3569s);
    EXPECT_THAT(alice->take(), IsEmpty());
    pass(1s);
    EXPECT_THAT(alice->take(), ElementsAre(R"({"type":"token_expiring","expires_at":1620003600})"));
    pass(29s);
    EXPECT_FALSE(alice->outlet().close_code());
    pass(1s);
    EXPECT_EQ(alice->outlet().close_code(), CloseCode::token_expired);
}

TEST_P(SessionTest, AShortTokenIsAnnouncedAtHalfOfItsLife) {
    auto alice = connect_with(identity(kNow + 20));
    pass(9s);
    EXPECT_THAT(alice->take(), IsEmpty());
    pass(1s);
    EXPECT_EQ(alice->take().size(), 1U);
}

TEST_P(SessionTest, ABaseConnectionIsNotToldButClosed) {
    auto alice = connect_with(identity(kNow + 20), false);
    pass(20s);
    EXPECT_THAT(alice->take(), IsEmpty());
    EXPECT_EQ(alice->outlet().close_code(), CloseCode::token_expired);
}

TEST_P(SessionTest, ExpiryCanBeTurnedOff) {
    auto alice = connect_with(identity(kNow + 20), true, false);
    pass(60s);
    EXPECT_THAT(alice->take(), IsEmpty());
    EXPECT_FALSE(alice->outlet().close_code());
}

TEST_P(SessionTest, ExpiryFollowsTheWallClockWhenItIsSetBack) {
    auto alice = connect_with(identity(kNow + 20), false);
    clock_.set_wall_ms((kNow - 100) * 1000);
    pass(60s);
    EXPECT_FALSE(alice->outlet().close_code());
    pass(60s);
    EXPECT_EQ(alice->outlet().close_code(), CloseCode::token_expired);
}

TEST_P(SessionTest, ARefreshKeepsTheConnection) {
    auto alice = connect_with(identity(kNow + 20));
    alice->ask(R"({"type":"refresh","id":1,"token":"t"})");
    verifier_.answer(identity(kNow + 100));
    EXPECT_THAT(alice->take(), ElementsAre(HasSubstr(R"("type":"ack","id":1)")));
    pass(69s);
    EXPECT_THAT(alice->take(), IsEmpty());
    pass(1s);
    EXPECT_THAT(alice->take(), ElementsAre(HasSubstr("token_expiring")));
}

TEST_P(SessionTest, ABadTokenAndOneOfAnotherUserAreRefused) {
    auto alice = connect_with(identity(kNow + 20));
    alice->ask(R"({"type":"refresh","id":1,"token":"t"})");
    verifier_.answer(VerifyResult(boost::system::in_place_error, "bad signature"));
    EXPECT_THAT(alice->take(),
                ElementsAre(AllOf(HasSubstr(R"("id":1,"code":4401,"reason":"invalid_token")"),
                                  HasSubstr("bad signature"))));
    alice->ask(R"({"type":"refresh","id":2,"token":"t"})");
    Identity other = identity(kNow + 100);
    other.user_id = "mallory";
    verifier_.answer(other);
    EXPECT_THAT(alice->take(),
                ElementsAre(HasSubstr(R"("id":2,"code":4403,"reason":"wrong_user")")));
    EXPECT_FALSE(alice->outlet().close_code());
}

TEST_P(SessionTest, ASessionMayEndWhileItsTokenIsVerified) {
    auto alice = connect_with(identity(kNow + 20));
    alice->ask(R"({"type":"refresh","id":1,"token":"t"})");
    alice.reset();
    verifier_.answer(identity(kNow + 100));
    EXPECT_EQ(sum(&ShardMetrics::sessions), 0U);
}

TEST_P(SessionTest, WithoutTokensARefreshIsAnError) {
    auto alice = connect("alice");
    EXPECT_THAT(alice->ask(R"({"type":"refresh","id":1,"token":"t"})"),
                ElementsAre(HasSubstr(R"("code":4401)")));
}

TEST_P(SessionTest, ARefreshEndsWhatIsNoLongerAllowed) {
    auto listener = connect("listener");
    listener->ask(R"({"type":"subscribe","channel":"a","listen":["presence"]})");
    auto alice = connect_with(identity(kNow + 1000));
    for (const std::string channel : {"a", "b", "c"}) {
        alice->ask(R"({"type":"subscribe","listen":["broadcast"],"channel":")" + channel + "\"}");
    }
    alice->ask(R"({"type":"presence_join","channel":"a"})");
    listener->take();
    // One that is still under way is ended as well, and answered.
    alice->say(R"({"type":"subscribe","id":5,"listen":["broadcast"],"channel":"d"})");
    Rights rights = Rights::none();
    rights.grant("b", 1);
    alice->say(R"({"type":"refresh","id":6,"token":"t"})");
    verifier_.answer(identity(kNow + 2000, rights));
    settle();
    const auto heard = alice->take();
    for (const std::string channel : {"a", "c", "d"}) {
        EXPECT_THAT(heard,
                    Contains(AllOf(HasSubstr("\"unsubscribed\""),
                                   HasSubstr("4003"),
                                   HasSubstr("\"channel\":\"" + channel + '"'))));
    }
    EXPECT_THAT(heard, Contains(HasSubstr(R"("error","id":5,"code":4003)")));
    EXPECT_THAT(listener->take(), ElementsAre(HasSubstr("presence_leave")));
    EXPECT_EQ(sum(&ShardMetrics::subscriptions), 2U);  // the listener's and b
    auto bob = connect("bob");
    for (const std::string channel : {"a", "b", "c", "d"}) {
        bob->ask(R"({"type":"broadcast","event":"e","channel":")" + channel + "\"}");
    }
    EXPECT_THAT(alice->take(), ElementsAre(HasSubstr("\"channel\":\"b\"")));
}

TEST_P(SessionTest, TheOutletIsNotCalledAfterTheEnd) {
    auto alice = connect("alice");
    alice->ask(R"({"type":"subscribe","channel":"r","listen":["broadcast","presence"]})");
    alice->take();
    alice->say(R"({"type":"broadcast","id":1,"channel":"r","event":"e"})");
    alice->say(R"({"type":"presence_join","id":2,"channel":"r"})");
    alice->end(EndReason::closed_by_client);
    settle();
    pass(10s);
    EXPECT_THAT(alice->take(), IsEmpty());
}

}  // namespace
}  // namespace roomcast

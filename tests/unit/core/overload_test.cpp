// SPDX-License-Identifier: Apache-2.0
// What happens when a shard does not take its mail.
#include "tests/unit/core/core_test.hpp"

namespace roomcast {
namespace {

constexpr ShardIndex kStuck = 0;
constexpr ShardIndex kHome = 1;

/// Two shards, and room for three data entries in a mailbox.
class OverloadTest : public testing::Test {
protected:
    OverloadTest() {
        limits_.mailbox_entries = 3;
        hub_.emplace(broker_, store_, clock_, limits_, ShardIndex{2});
        channel_ = std::string(hub_->channel_at(kHome).text());
    }

    std::unique_ptr<TestClient> connect(ShardIndex shard,
                                        std::string_view listen,
                                        bool is_versioned = true) {
        auto client = std::make_unique<TestClient>(
            *hub_,
            shard,
            "user",
            SessionOptions{.identity = {}, .is_versioned = is_versioned, .peer = {}});
        client->ask(message("subscribe", R"(,"listen":[")" + std::string(listen) + R"("])"));
        client->take();
        return client;
    }

    std::string message(std::string_view type, std::string_view more) const {
        return R"({"type":")" + std::string(type) + R"(","channel":")" + channel_ + '"' +
               std::string(more) + '}';
    }

    /// Publishes events `from` to `to` at the home shard, one in each of its turns.
    void publish(TestClient& client, int from, int to) {
        for (int i = from; i <= to; ++i) {
            client.say(message("broadcast", R"(,"event":"e)" + std::to_string(i) + '"'));
            hub_->turn(kHome);
        }
    }

    static std::string brief(const std::vector<std::string>& heard) {
        std::string text;
        for (const std::string& each : heard) {
            const auto type = json_field(each, "type");
            text += (type == "broadcast" ? json_field(each, "event") : type) + ' ';
        }
        return text;
    }

    ManualClock clock_;
    Limits limits_;
    FakeBroker broker_{true};
    FakePresenceStore store_{clock_, 2, true};
    std::optional<TestHub> hub_;
    std::string channel_;
};

TEST_F(OverloadTest, AGapIsToldWhereTheFirstMessageIsMissing) {
    auto listener = connect(kStuck, "broadcast");
    auto base = connect(kStuck, "broadcast", false);
    auto near = connect(kHome, "broadcast");
    publish(*near, 1, 5);
    publish(*near, 6, 6);
    EXPECT_EQ(brief(near->take()), "e1 e2 e3 e4 e5 e6 ");
    hub_->settle();
    publish(*near, 7, 7);
    hub_->settle();
    EXPECT_EQ(brief(listener->take()), "e1 e2 e3 gap e7 ");
    EXPECT_EQ(brief(base->take()), "e1 e2 e3 e7 ");
    EXPECT_EQ(hub_->shard(kStuck).metrics().gaps.value(), 1U);
    EXPECT_EQ(hub_->shard(kStuck).metrics().gaps_untold.value(), 1U);
    EXPECT_EQ(hub_->shard(kHome).metrics().mailbox_refused.value(), 3U);
}

TEST_F(OverloadTest, ALaterLossIsAGapOfItsOwn) {
    auto listener = connect(kStuck, "broadcast");
    auto near = connect(kHome, "broadcast");
    publish(*near, 1, 4);
    hub_->settle();
    publish(*near, 5, 8);
    hub_->settle();
    EXPECT_EQ(brief(listener->take()), "e1 e2 e3 gap e5 e6 e7 gap ");
}

TEST_F(OverloadTest, AMessageThatFitsBehindOneThatDoesNotComesBehindTheMark) {
    limits_.mailbox_bytes = 1'000;
    limits_.mailbox_entries = 100;
    hub_.emplace(broker_, store_, clock_, limits_, ShardIndex{2});
    auto listener = connect(kStuck, "broadcast");
    auto sender = connect(kHome, "broadcast");
    const std::string payload = R"(,"payload":")" + std::string(500, 'x') + '"';
    for (const std::string event : {"large1", "large2", "small"}) {
        sender->say(message("broadcast",
                            R"(,"event":")" + event + '"' + (event == "small" ? "" : payload)));
        hub_->turn(kHome);
    }
    hub_->settle();
    EXPECT_EQ(brief(listener->take()), "large1 gap small ");
    EXPECT_EQ(brief(sender->take()), "large1 large2 small ");
}

TEST_F(OverloadTest, APublishThatFindsItsHomeFullIsUnavailable) {
    auto client = connect(kStuck, "broadcast");
    for (int i = 0; i < 5; ++i) {
        client->say(message("broadcast", R"(,"event":"e","id":)" + std::to_string(i)));
    }
    hub_->turn(kStuck);
    const auto heard = client->take();
    ASSERT_EQ(heard.size(), 2U);
    EXPECT_THAT(heard[0], HasSubstr(R"("id":3,"code":4500)"));
    EXPECT_THAT(heard[1], HasSubstr(R"("id":4,"code":4500)"));
    hub_->settle();
    EXPECT_EQ(client->take().size(), 6U);  // three echoes and their acks
    EXPECT_TRUE(client->outlet().is_reading());
}

TEST_F(OverloadTest, AShardsOwnQueueIsBoundedToo) {
    auto client = connect(kHome, "broadcast");
    for (int i = 0; i < 5; ++i) {
        client->say(message("broadcast", R"(,"event":"e","id":)" + std::to_string(i)));
    }
    EXPECT_EQ(brief(client->take()), "error error ");
    hub_->settle();
    EXPECT_EQ(client->take().size(), 6U);
}

TEST_F(OverloadTest, APublishOverHttpThatFindsItsHomeFullIsUnavailable) {
    std::vector<Result<PublishReceipt>> answers;
    for (int i = 0; i < 4; ++i) {
        hub_->shard(kStuck).client().publish(
            {.channel = channel_named(channel_),
             .event = "e",
             .payload = "1",
             .idempotency_key = "",
             .key_owner = ""},
            [&](Result<PublishReceipt> answer) { answers.push_back(answer); });
    }
    hub_->settle();
    ASSERT_EQ(answers.size(), 4U);
    EXPECT_EQ(answers[0].error(), Errc::unavailable);
    EXPECT_TRUE(answers[1].has_value());
}

TEST_F(OverloadTest, AShardThatLostPresenceEventsGetsAFreshRoster) {
    auto listener = connect(kStuck, "presence");
    std::vector<std::unique_ptr<TestClient>> users;
    for (int i = 0; i < 6; ++i) {
        users.push_back(std::make_unique<TestClient>(*hub_, kHome, "user" + std::to_string(i)));
        users.back()->say(message("presence_join", ""));
    }
    for (int i = 0; i < 5; ++i)
        hub_->turn(kHome);
    hub_->settle();
    const auto heard = listener->take();
    EXPECT_EQ(brief(heard), "presence_join presence_join presence_join presence_sync ");
    for (int i = 0; i < 6; ++i) {
        EXPECT_THAT(heard.back(), HasSubstr("\"user" + std::to_string(i) + '"'));
    }
}

TEST_F(OverloadTest, AShardThatStaysAwayIsSentOneRosterAtATime) {
    auto listener = connect(kStuck, "presence");
    std::vector<std::unique_ptr<TestClient>> users;
    for (int i = 0; i < 20; ++i) {
        users.push_back(std::make_unique<TestClient>(*hub_, kHome, "user" + std::to_string(i)));
        users.back()->say(message("presence_join", ""));
        hub_->turn(kHome);
    }
    hub_->settle();
    const auto heard = listener->take();
    EXPECT_EQ(brief(heard),
              "presence_join presence_join presence_join presence_sync presence_sync ");
    for (int i = 0; i < 20; ++i) {
        EXPECT_THAT(heard.back(), HasSubstr("\"user" + std::to_string(i) + '"'));
    }
}

}  // namespace
}  // namespace roomcast

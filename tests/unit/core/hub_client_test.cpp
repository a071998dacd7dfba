// SPDX-License-Identifier: Apache-2.0
#include "core/connection_id.hpp"
#include "tests/unit/core/core_test.hpp"

namespace roomcast {
namespace {

using testing::Field;

class HubClientTest : public CoreTest {
protected:
    HubClient& client() { return hub().shard(static_cast<ShardIndex>(GetParam() - 1)).client(); }

    PublishRequest request(std::string payload = "1", std::string key = "") {
        return {.channel = channel_named("r"),
                .event = "e",
                .payload = std::move(payload),
                .idempotency_key = std::move(key),
                .key_owner = "backend"};
    }

    Result<PublishReceipt> publish(PublishRequest what) {
        std::vector<Result<PublishReceipt>> answers;
        client().publish(std::move(what),
                         [&](Result<PublishReceipt> answer) { answers.push_back(answer); });
        settle();
        EXPECT_EQ(answers.size(), 1U);
        return answers.at(0);
    }

    template <class Item, class Query>
    Page<Item> page(void (HubClient::*ask)(Query, HubCallback<Page<Item>>), Query query) {
        std::vector<Page<Item>> pages;
        (client().*ask)(std::move(query), [&](Page<Item> answer) { pages.push_back(answer); });
        settle();
        EXPECT_EQ(pages.size(), 1U);
        return pages.at(0);
    }
};

INSTANTIATE_CORE_TEST(HubClientTest);

TEST_P(HubClientTest, PublishesWithoutAUserAndGivesAnIdBelow2To53) {
    auto alice = connect("alice");
    alice->ask(R"({"type":"subscribe","channel":"r","listen":["broadcast"]})");
    const auto receipt = publish(request(R"({"a":1})"));
    ASSERT_TRUE(receipt);
    EXPECT_LT(receipt->message_id, std::uint64_t{1} << 53);
    EXPECT_EQ(receipt->ts_ms, 1'620'000'000'000);
    EXPECT_THAT(
        alice->take(),
        ElementsAre(
            R"({"type":"broadcast","channel":"r","event":"e","payload":{"a":1},"ts":1620000000000})"));
    EXPECT_NE(publish(request())->message_id, receipt->message_id);
}

TEST_P(HubClientTest, ARepeatedKeyGivesTheFirstReceipt) {
    const auto first = publish(request("1", "k"));
    const auto second = publish(request("1", "k"));
    EXPECT_EQ(first->message_id, second->message_id);
    EXPECT_EQ(sum(&ShardMetrics::publications_delivered), 1U);
}

TEST_P(HubClientTest, RefusesWhatIsLargerThanAMessage) {
    limits_.message_bytes = 10;
    EXPECT_EQ(publish(request(std::string(10, '1'))).error(), Errc::limit);
}

TEST_P(HubClientTest, TellsThatTheBrokerDidNotTakeIt) {
    broker_.set_instant(false);
    std::vector<Result<PublishReceipt>> answers;
    client().publish(request(), [&](Result<PublishReceipt> answer) { answers.push_back(answer); });
    settle();
    broker_.refuse_publishes(Errc::unavailable);
    settle();
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].error(), Errc::unavailable);
}

TEST_P(HubClientTest, ListsChannelsOfAllHomesInPages) {
    auto alice = connect("alice");
    auto bob = connect("bob");
    for (const std::string name : {"x1", "a3", "a1", "a4", "a2"}) {
        alice->ask(R"({"type":"subscribe","listen":["broadcast"],"channel":")" + name + "\"}");
    }
    bob->ask(R"({"type":"subscribe","listen":["broadcast","presence"],"channel":"a1"})");
    bob->ask(R"({"type":"presence_join","channel":"a1"})");
    bob->ask(R"({"type":"presence_join","channel":"a5"})");
    const ChannelQuery query{.prefix = "a", .after = "", .limit = 3};
    const auto first = page(&HubClient::channels, query);
    EXPECT_THAT(first.items,
                ElementsAre(Field(&ChannelSummary::name, "a1"),
                            Field(&ChannelSummary::name, "a2"),
                            Field(&ChannelSummary::name, "a3")));
    EXPECT_EQ(first.items[0].subscribers, 2U);
    EXPECT_EQ(first.items[0].users, 1U);
    EXPECT_EQ(first.next_cursor, "a3");
    const auto second = page(&HubClient::channels, {"a", first.next_cursor, 3});
    EXPECT_THAT(
        second.items,
        ElementsAre(Field(&ChannelSummary::name, "a4"), Field(&ChannelSummary::name, "a5")));
    EXPECT_EQ(second.items[1].users, 1U);
    EXPECT_EQ(second.next_cursor, "");
}

TEST_P(HubClientTest, ListsAndFindsConnections) {
    auto alice = connect("alice");
    auto bob = connect("bob");
    auto bobs_other = connect("bob");
    bob->ask(R"({"type":"subscribe","listen":["broadcast"],"channel":"r"})");
    EXPECT_EQ(page(&HubClient::connections, ConnectionQuery{}).items.size(), 3U);
    const auto bobs = page(&HubClient::connections, ConnectionQuery{"bob", "", "", 1});
    ASSERT_EQ(bobs.items.size(), 1U);
    EXPECT_EQ(bobs.next_cursor, bobs.items[0].connection_id);
    EXPECT_EQ(page(&HubClient::connections, {"bob", "", bobs.next_cursor, 1}).items.size(), 1U);
    const auto on_r = page(&HubClient::connections, ConnectionQuery{"", "r", "", 10});
    ASSERT_EQ(on_r.items.size(), 1U);
    EXPECT_EQ(on_r.items[0].user_id, "bob");
    EXPECT_EQ(on_r.items[0].subscriptions, 1U);
    EXPECT_EQ(on_r.items[0].peer, "127.0.0.1:1234");
    std::optional<ConnectionSummary> found;
    client().connection(on_r.items[0].connection_id, [&](auto summary) { found = summary; });
    settle();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->connection_id, to_text({NodeId{0xabc}, bob->session().id()}));
}

TEST_P(HubClientTest, ClosesOneConnectionOrAllOfAUser) {
    auto alice = connect("alice");
    auto bob = connect("bob");
    auto bobs_other = connect("bob");
    std::vector<bool> closed;
    const auto note = [&](bool is_closed) { closed.push_back(is_closed); };
    client().disconnect(to_text({NodeId{0xabc}, alice->session().id()}), note);
    client().disconnect(to_text({NodeId{0xdef}, bob->session().id()}), note);
    client().disconnect("nonsense", note);
    settle();
    EXPECT_THAT(closed, testing::UnorderedElementsAre(true, false, false));
    EXPECT_EQ(alice->outlet().close_code(), CloseCode::disconnected_by_api);
    std::size_t count = 0;
    client().disconnect_user("bob", [&](Disconnected result) { count = result.connections; });
    settle();
    EXPECT_EQ(count, 2U);
    EXPECT_EQ(bobs_other->outlet().close_code(), CloseCode::disconnected_by_api);
}

TEST_P(HubClientTest, GivesPresenceWithoutListeners) {
    auto alice = connect("alice");
    alice->ask(R"({"type":"presence_join","channel":"r"})");
    std::vector<PresenceEntry> users;
    client().presence(channel_named("r"), [&](auto answer) { users = *answer; });
    settle();
    ASSERT_EQ(users.size(), 1U);
    EXPECT_EQ(users[0].user_id, "alice");
}

TEST(ConnectionIdTest, IsReadBackAndNothingElseIs) {
    const ConnectionId id{NodeId{0x12345}, make_session_id(3, 77)};
    const auto read = parse_connection_id(to_text(id));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->node, id.node);
    EXPECT_EQ(read->session, id.session);
    for (const char* text : {"",
                             "-",
                             "0000000000012345",
                             "0000000000012345-000000000000004g",
                             "0000000000012345_0003000000000001",
                             "+000000000012345-0003000000000001"}) {
        EXPECT_FALSE(parse_connection_id(text)) << text;
    }
}

}  // namespace
}  // namespace roomcast

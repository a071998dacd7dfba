// SPDX-License-Identifier: Apache-2.0
// The rules of docs/protocol.md, section 3.3.

#include "tests/unit/core/core_test.hpp"

namespace roomcast {
namespace {

using namespace std::chrono_literals;

/// "join alice {...}" instead of a whole document, so that a test reads as a story.
std::string brief(const std::string& document) {
    const auto field = [&](std::string_view name) {
        std::string value = json_field(document, name);
        std::erase(value, '"');
        return value;
    };
    std::string text = field("type");
    if (text.starts_with("presence_")) text = text.substr(9);
    if (text == "sync" || text == "presence") return text + ' ' + field("users");
    if (text == "ack" || text == "error") return text + ' ' + field("id");
    text += ' ' + field("user_id");
    const std::string meta = field("meta");
    return meta.empty() ? text : text + ' ' + meta;
}

std::vector<std::string> brief(const std::vector<std::string>& documents) {
    std::vector<std::string> all;
    for (const auto& document : documents)
        all.push_back(brief(document));
    return all;
}

class PresenceTest : public CoreTest {
protected:
    std::unique_ptr<TestClient> connect_listener(std::string user_id = "listener") {
        auto client = connect(std::move(user_id));
        client->ask(R"({"type":"subscribe","channel":"r","listen":["presence"]})");
        client->take();
        return client;
    }

    static std::string join(std::string_view payload = "") { return set("presence_join", payload); }

    static std::string update(std::string_view payload) { return set("presence_update", payload); }

    static std::string set(std::string_view type, std::string_view payload) {
        std::string text = R"({"type":")" + std::string(type) + R"(","channel":"r")";
        if (!payload.empty()) text += R"(,"payload":)" + std::string(payload);
        return text + '}';
    }

    static std::vector<std::string> heard(TestClient& client) { return brief(client.take()); }
};

INSTANTIATE_CORE_TEST(PresenceTest);

constexpr auto kLeave = R"({"type":"presence_leave","channel":"r"})";

TEST_P(PresenceTest, ASyncOfAllUsersComesBehindTheAnswerAndBeforeEvents) {
    auto alice = connect("alice");
    alice->ask(join(R"({"n":1})"));
    auto bob = connect("bob");
    EXPECT_THAT(
        bob->ask(R"({"type":"subscribe","id":1,"channel":"r","listen":["presence"]})"),
        ElementsAre(
            R"({"type":"subscribed","id":1,"channel":"r","listen":["presence"]})",
            R"({"type":"presence_sync","channel":"r","users":[{"user_id":"alice","meta":{"n":1},"updated_at":1620000000}]})"));
    alice->ask(kLeave);
    EXPECT_THAT(heard(*bob), ElementsAre("leave alice"));
    EXPECT_EQ(bob->outlet().large_answers(), 1);
}

TEST_P(PresenceTest, ARepeatedSubscribeGetsASyncOfItsOwn) {
    auto bob = connect_listener();
    auto other = connect_listener("other");
    EXPECT_THAT(
        brief(bob->ask(R"({"type":"subscribe","channel":"r","listen":["presence","broadcast"]})")),
        ElementsAre("sync []"));
    EXPECT_THAT(heard(*other), IsEmpty());
}

TEST_P(PresenceTest, TheFirstJoinIsAnnouncedAndFurtherOnesWithTheSameMetaAreSilent) {
    auto listener = connect_listener();
    auto first = connect("alice");
    auto second = connect("alice");
    first->ask(join(R"({"n":1})"));
    EXPECT_THAT(heard(*listener), ElementsAre("join alice {n:1}"));
    second->ask(join(R"({"n":1})"));
    first->ask(join(R"({"n":1})"));
    EXPECT_THAT(heard(*listener), IsEmpty());
    second->ask(join(R"({"n":2})"));
    EXPECT_THAT(heard(*listener), ElementsAre("update alice {n:2}"));
}

TEST_P(PresenceTest, TheLastConnectionGoneIsOneLeave) {
    auto listener = connect_listener();
    auto first = connect("alice");
    auto second = connect("alice");
    first->ask(join());
    second->ask(join());
    listener->take();
    first->ask(kLeave);
    first->ask(kLeave);
    EXPECT_THAT(heard(*listener), IsEmpty());
    second->ask(kLeave);
    EXPECT_THAT(heard(*listener), ElementsAre("leave alice"));
    second->ask(kLeave);
    EXPECT_THAT(heard(*listener), IsEmpty());
}

TEST_P(PresenceTest, AnUpdateWithoutAJoinIsAJoin) {
    auto listener = connect_listener();
    auto alice = connect("alice");
    alice->ask(update(R"({"n":1})"));
    alice->ask(update(R"({"n":1})"));
    EXPECT_THAT(heard(*listener), ElementsAre("join alice {n:1}", "update alice {n:1}"));
}

TEST_P(PresenceTest, EveryCommandWithAnIdIsAcknowledged) {
    auto alice = connect("alice");
    EXPECT_THAT(brief(alice->ask(R"({"type":"presence_join","id":1,"channel":"r"})")),
                ElementsAre("ack 1"));
    EXPECT_THAT(brief(alice->ask(R"({"type":"presence_leave","id":2,"channel":"r"})")),
                ElementsAre("ack 2"));
    EXPECT_THAT(brief(alice->ask(R"({"type":"presence_leave","id":3,"channel":"r"})")),
                ElementsAre("ack 3"));
}

TEST_P(PresenceTest, AUserWhoClosesLeavesAfterTheLeaveGrace) {
    auto listener = connect_listener();
    auto alice = connect("alice");
    alice->ask(join());
    listener->take();
    alice->end(EndReason::closed_by_client);
    settle();
    pass(999ms);
    EXPECT_THAT(heard(*listener), IsEmpty());
    pass(1ms);
    EXPECT_THAT(heard(*listener), ElementsAre("leave alice"));
}

TEST_P(PresenceTest, AUserWhoseLinkIsLostLeavesAfterTheLostGrace) {
    auto listener = connect_listener();
    auto alice = connect("alice");
    alice->ask(join());
    listener->take();
    alice->end(EndReason::lost);
    settle();
    pass(4'999ms);
    EXPECT_THAT(heard(*listener), IsEmpty());
    pass(1ms);
    EXPECT_THAT(heard(*listener), ElementsAre("leave alice"));
}

TEST_P(PresenceTest, AUserWhoReturnsWithinTheGraceCausesNoEvent) {
    auto listener = connect_listener();
    auto alice = connect("alice");
    alice->ask(join(R"({"n":1})"));
    listener->take();
    alice->end(EndReason::lost);
    settle();
    pass(3s);
    auto again = connect("alice");
    again->ask(join(R"({"n":1})"));
    pass(10s);
    EXPECT_THAT(heard(*listener), IsEmpty());
    again->ask(kLeave);
    EXPECT_THAT(heard(*listener), ElementsAre("leave alice"));
}

TEST_P(PresenceTest, AReturnWithOtherMetaIsAnUpdate) {
    auto listener = connect_listener();
    auto alice = connect("alice");
    alice->ask(join(R"({"n":1})"));
    alice->end(EndReason::lost);
    auto again = connect("alice");
    again->ask(join(R"({"n":2})"));
    EXPECT_THAT(heard(*listener), ElementsAre("join alice {n:1}", "update alice {n:2}"));
}

TEST_P(PresenceTest, ALostConnectionsGraceHoldsWhenAnotherLeaves) {
    auto listener = connect_listener();
    auto lost = connect("alice");
    auto other = connect("alice");
    lost->ask(join());
    other->ask(join());
    listener->take();
    lost->end(EndReason::lost);
    settle();
    pass(1s);
    other->ask(kLeave);
    EXPECT_THAT(heard(*listener), IsEmpty());
    pass(4s);
    EXPECT_THAT(heard(*listener), ElementsAre("leave alice"));
}

TEST_P(PresenceTest, ADisconnectByTheApiIsALeaveAtOnce) {
    auto listener = connect_listener();
    auto lost = connect("alice");
    auto alice = connect("alice");
    lost->ask(join());
    alice->ask(join());
    listener->take();
    lost->end(EndReason::lost);
    settle();
    std::size_t closed = 0;
    hub().shard(0).client().disconnect_user(
        "alice", [&](Disconnected result) { closed = result.connections; });
    settle();
    EXPECT_EQ(closed, 1U);
    EXPECT_EQ(alice->outlet().close_code(), CloseCode::disconnected_by_api);
    EXPECT_THAT(heard(*listener), ElementsAre("leave alice"));
}

TEST_P(PresenceTest, ADrainAnnouncesLeavesAtOnce) {
    auto listener = connect_listener();
    auto early = connect("early");
    auto late = connect("late");
    early->ask(join());
    late->ask(join());
    listener->take();
    early->end(EndReason::lost);
    settle();
    for (ShardIndex i = 0; i < GetParam(); ++i)
        hub().shard(i).drain();
    settle();
    EXPECT_THAT(heard(*listener), ElementsAre("leave early"));
    late->end(EndReason::lost);
    settle();
    EXPECT_THAT(heard(*listener), ElementsAre("leave late"));
}

TEST_P(PresenceTest, ListeningToNothingLeavesPresenceUntouched) {
    auto listener = connect_listener();
    auto alice = connect("alice");
    alice->ask(join());
    alice->ask(R"({"type":"subscribe","channel":"r","listen":[]})");
    EXPECT_THAT(heard(*listener), ElementsAre("join alice"));
}

TEST_P(PresenceTest, PresenceGetListsUsersWithAndWithoutListeners) {
    auto alice = connect("alice");
    alice->ask(join());
    const auto get = R"({"type":"presence_get","id":1,"channel":"r"})";
    const auto answer =
        R"({"type":"presence","id":1,"channel":"r","users":[{"user_id":"alice","meta":null,"updated_at":1620000000}]})";
    EXPECT_THAT(alice->ask(get), ElementsAre(answer));
    auto listener = connect_listener();
    EXPECT_THAT(alice->ask(get), ElementsAre(answer));
}

TEST_P(PresenceTest, OneChannelTooManyIsRefused) {
    limits_.presence_channels = 1;
    auto alice = connect("alice");
    alice->ask(R"({"type":"presence_join","channel":"a"})");
    EXPECT_THAT(alice->ask(R"({"type":"presence_join","id":1,"channel":"b"})"),
                ElementsAre(HasSubstr(R"("id":1,"code":4005)")));
    EXPECT_THAT(brief(alice->ask(R"({"type":"presence_join","id":2,"channel":"a"})")),
                ElementsAre("ack 2"));
    alice->ask(R"({"type":"presence_leave","channel":"a"})");
    EXPECT_THAT(brief(alice->ask(R"({"type":"presence_join","id":3,"channel":"b"})")),
                ElementsAre("ack 3"));
}

// ---- the presence rate ----

TEST_P(PresenceTest, UpdatesOverTheRateAreMergedAndAllAcknowledged) {
    limits_.presence_rate = 2;
    auto listener = connect_listener();
    auto alice = connect("alice");
    alice->ask(join());
    listener->take();
    for (int i = 1; i <= 6; ++i) {
        alice->say(R"({"type":"presence_update","id":)" + std::to_string(i) +
                   R"(,"channel":"r","payload":{"n":)" + std::to_string(i) + "}}");
    }
    settle();
    EXPECT_THAT(brief(alice->take()), ElementsAre("ack 1", "ack 2"));
    EXPECT_THAT(heard(*listener), ElementsAre("update alice {n:1}", "update alice {n:2}"));
    pass(500ms);
    EXPECT_THAT(brief(alice->take()), ElementsAre("ack 3", "ack 4", "ack 5", "ack 6"));
    EXPECT_THAT(heard(*listener), ElementsAre("update alice {n:6}"));
}

TEST_P(PresenceTest, ALeaveTakesWhatWasHeldBackWithIt) {
    limits_.presence_rate = 1;
    auto listener = connect_listener();
    auto alice = connect("alice");
    alice->ask(join());
    alice->ask(update(R"({"n":1})"));
    alice->ask(R"({"type":"presence_update","id":2,"channel":"r","payload":{"n":2}})");
    listener->take();
    EXPECT_THAT(brief(alice->ask(R"({"type":"presence_leave","id":3,"channel":"r"})")),
                ElementsAre("ack 2", "ack 3"));
    pass(5s);
    EXPECT_THAT(heard(*listener), ElementsAre("leave alice"));
}

// ---- a store that takes its time ----

TEST_P(PresenceTest, OneOperationIsUnderWayAndWhatComesMeanwhileIsMerged) {
    store_.set_instant(false);
    auto alice = connect("alice");
    alice->ask(R"({"type":"presence_join","id":1,"channel":"r"})");
    for (int i = 2; i <= 4; ++i) {
        alice->ask(R"({"type":"presence_update","id":)" + std::to_string(i) +
                   R"(,"channel":"r","payload":{"n":)" + std::to_string(i) + "}}");
    }
    EXPECT_THAT(store_.take_log(), ElementsAre("join alice -"));
    store_.do_one();
    settle();
    EXPECT_THAT(brief(alice->take()), ElementsAre("ack 1"));
    EXPECT_THAT(store_.take_log(), ElementsAre("update alice {\"n\":4}"));
    store_.do_one();
    settle();
    EXPECT_THAT(brief(alice->take()), ElementsAre("ack 2", "ack 3", "ack 4"));
    EXPECT_EQ(store_.waiting(), 0U);
}

TEST_P(PresenceTest, JoinAndLeaveWhileAJoinIsUnderWayEndAsWanted) {
    store_.set_instant(false);
    auto alice = connect("alice");
    alice->ask(R"({"type":"presence_join","id":1,"channel":"r"})");
    alice->ask(R"({"type":"presence_leave","id":2,"channel":"r"})");
    store_.do_all();
    settle();
    EXPECT_THAT(store_.take_log(), ElementsAre("join alice -", "leave alice"));
    EXPECT_THAT(brief(alice->take()), ElementsAre("ack 1", "ack 2"));
}

TEST_P(PresenceTest, AStoreThatIsDownIsToldLaterAndTheClientNow) {
    store_.set_down(true);
    auto alice = connect("alice");
    EXPECT_THAT(alice->ask(R"({"type":"presence_join","id":1,"channel":"r"})"),
                ElementsAre(HasSubstr(R"("id":1,"code":4500)")));
    store_.set_down(false);
    pass(1s);
    auto listener = connect("bob");
    EXPECT_THAT(brief(listener->ask(R"({"type":"subscribe","channel":"r","listen":["presence"]})")),
                ElementsAre(HasSubstr("alice")));
    alice->end(EndReason::closed_by_api);
    settle();
    EXPECT_THAT(heard(*listener), ElementsAre("leave alice"));
}

TEST_P(PresenceTest, ALeaveThatFailsIsTriedAgain) {
    auto listener = connect_listener();
    auto alice = connect("alice");
    alice->ask(join());
    listener->take();
    store_.set_down(true);
    alice->end(EndReason::closed_by_api);
    settle();
    pass(1s);
    EXPECT_THAT(heard(*listener), IsEmpty());
    store_.set_down(false);
    pass(1s);
    EXPECT_THAT(heard(*listener), ElementsAre("leave alice"));
}

TEST_P(PresenceTest, EventsBeforeAndBehindTheSnapshotAddUp) {
    store_.set_instant(false);
    auto bob = connect("bob");
    bob->ask(R"({"type":"subscribe","channel":"r","listen":["presence"]})");
    auto& elsewhere = store_.elsewhere();
    const ChannelName channel = channel_named("r");
    elsewhere.join(channel, "before", nullptr, [](auto) {});
    store_.do_all();
    settle();
    elsewhere.join(channel, "behind", nullptr, [](auto) {});
    settle();
    EXPECT_THAT(heard(*bob), ElementsAre(HasSubstr("user_id:before"), "join behind"));
}

TEST_P(PresenceTest, WhatLostEventsHaveChangedIsToldAsOrdinaryEvents) {
    const ChannelName channel = channel_named("r");
    auto& elsewhere = store_.elsewhere();
    const auto done = [](auto) {};
    hub();  // starts the store
    elsewhere.join(channel, "gone", nullptr, done);
    elsewhere.join(channel, "changed", nullptr, done);
    elsewhere.join(channel, "same", nullptr, done);
    auto bob = connect_listener();
    store_.set_instant(false);
    // Nobody is told of these: the events are lost.
    elsewhere.unwatch(channel);
    elsewhere.leave(channel, "gone", done);
    elsewhere.join(channel, "changed", std::make_shared<const std::string>("{}"), done);
    elsewhere.join(channel, "new", nullptr, done);
    elsewhere.watch(channel);
    store_.sink().on_lost(channel);
    elsewhere.join(channel, "alice", nullptr, done);
    settle();
    EXPECT_THAT(heard(*bob), ElementsAre("join alice"));
    store_.do_all();
    settle();
    EXPECT_THAT(heard(*bob),
                testing::UnorderedElementsAre("leave gone", "update changed {}", "join new"));
}

TEST_P(PresenceTest, AJoinOfSomebodyWhoIsThereIsNotToldAgain) {
    auto bob = connect_listener();
    PresenceEvent event{
        .change = PresenceChange::join, .channel = channel_named("r"), .entry = {"alice", nullptr}};
    for (int i = 0; i < 2; ++i) {
        store_.sink().on_event(event);
        settle();
    }
    EXPECT_THAT(heard(*bob), ElementsAre("join alice"));
    event.entry.meta = std::make_shared<const std::string>("{}");
    store_.sink().on_event(event);
    settle();
    EXPECT_THAT(heard(*bob), ElementsAre("update alice {}"));
}

TEST_P(PresenceTest, TheSyncWaitsForAStoreThatIsAway) {
    store_.set_down(true);
    auto bob = connect("bob");
    EXPECT_THAT(bob->ask(R"({"type":"subscribe","id":1,"channel":"r","listen":["presence"]})"),
                IsEmpty());
    pass(2s);
    EXPECT_THAT(bob->take(), ElementsAre(HasSubstr("4500")));
    store_.set_down(false);
    pass(1s);
    EXPECT_THAT(heard(*bob), ElementsAre("sync []"));
}

}  // namespace
}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// What clients of the native dialect hear: the examples of docs/protocol.md section 3, to the byte.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codec/json.hpp"
#include "protocol/native.hpp"

namespace roomcast {
namespace {

class NativeEncodeTest : public testing::Test {
protected:
    [[nodiscard]] static MetaText meta(std::string_view text) {
        return std::make_shared<const std::string>(text);
    }

    const Limits limits;
    const NativeDialect dialect{limits};
    const ChannelName room1 = *ChannelName::make("room1");
};

TEST_F(NativeEncodeTest, BroadcastIsTheExampleOfTheProtocol) {
    BusMessage message;
    message.channel = room1;
    message.event = "user-message";
    message.payload = R"({"text":"hello"})";
    message.user_id = "alice";
    message.ts_ms = 1620000000000;
    EXPECT_EQ(dialect.encode_broadcast(message)->text(),
              R"({"type":"broadcast","channel":"room1","event":"user-message",)"
              R"("payload":{"text":"hello"},"user_id":"alice","ts":1620000000000})");
}

TEST_F(NativeEncodeTest, BroadcastOverHttpHasNoUser) {
    BusMessage message;
    message.channel = room1;
    message.payload = "null";
    message.ts_ms = 5;
    EXPECT_EQ(dialect.encode_broadcast(message)->text(),
              R"({"type":"broadcast","channel":"room1","event":"","payload":null,"ts":5})");
}

TEST_F(NativeEncodeTest, BroadcastEscapesNames) {
    BusMessage message;
    message.channel = *ChannelName::make("a\"b\\");
    message.event = "line\nbreak";
    message.payload = "1";
    message.user_id = "\x01";
    EXPECT_EQ(dialect.encode_broadcast(message)->text(),
              R"({"type":"broadcast","channel":"a\"b\\","event":"line\nbreak","payload":1,)"
              R"("user_id":"\u0001","ts":0})");
}

TEST_F(NativeEncodeTest, FramesStandBehindAWebSocketHeader) {
    EXPECT_EQ(dialect.encode_pong("")->bytes(), std::string("\x81\x0f") + R"({"type":"pong"})");
    BusMessage message;
    message.channel = room1;
    message.payload = '"' + std::string(70'000, 'x') + '"';
    const FramePtr frame = dialect.encode_broadcast(message);
    EXPECT_EQ(frame->bytes().size(), 10 + frame->text().size());
    EXPECT_EQ(frame->bytes().substr(0, 2), "\x81\x7f");
}

TEST_F(NativeEncodeTest, PresenceEventsAreTheExamplesOfTheProtocol) {
    PresenceEvent event{PresenceChange::join,
                        room1,
                        {"alice", meta(R"({"name":"Alice"})"), 1620000000},
                        1620000000000,
                        1};
    EXPECT_EQ(dialect.encode_presence(event)->text(),
              R"({"type":"presence_join","channel":"room1","user_id":"alice",)"
              R"("meta":{"name":"Alice"},"updated_at":1620000000,"ts":1620000000000})");
    event.change = PresenceChange::update;
    event.entry.meta = meta(R"({"name":"Alice","status":"typing"})");
    EXPECT_EQ(dialect.encode_presence(event)->text(),
              R"({"type":"presence_update","channel":"room1","user_id":"alice",)"
              R"("meta":{"name":"Alice","status":"typing"},"updated_at":1620000000,)"
              R"("ts":1620000000000})");
    event.change = PresenceChange::leave;
    EXPECT_EQ(
        dialect.encode_presence(event)->text(),
        R"({"type":"presence_leave","channel":"room1","user_id":"alice","ts":1620000000000})");
}

TEST_F(NativeEncodeTest, PresenceEventWithoutMetaLeavesItOut) {
    for (const MetaText& none : {MetaText(), meta("")}) {
        const PresenceEvent event{PresenceChange::join, room1, {"bob", none, 7}, 8, 1};
        EXPECT_EQ(
            dialect.encode_presence(event)->text(),
            R"({"type":"presence_join","channel":"room1","user_id":"bob","updated_at":7,"ts":8})");
    }
}

TEST_F(NativeEncodeTest, PresenceSyncListsTheUsers) {
    const std::vector<PresenceEntry> users = {{"alice", meta(R"({"name":"Alice"})"), 1620000000},
                                              {"bob", nullptr, 7}};
    EXPECT_EQ(dialect.encode_presence_sync(room1, users)->text(),
              R"({"type":"presence_sync","channel":"room1","users":[{"user_id":"alice",)"
              R"("meta":{"name":"Alice"},"updated_at":1620000000},)"
              R"({"user_id":"bob","meta":null,"updated_at":7}]})");
    EXPECT_EQ(dialect.encode_presence_sync(room1, {})->text(),
              R"({"type":"presence_sync","channel":"room1","users":[]})");
    EXPECT_EQ(dialect.encode_presence_list("\"q\"", room1, {})->text(),
              R"({"type":"presence","id":"q","channel":"room1","users":[]})");
}

TEST_F(NativeEncodeTest, AnswersEchoTheId) {
    EXPECT_EQ(dialect.encode_ack("\"a\\u0062\"", 5)->text(),
              R"({"type":"ack","id":"a\u0062","ts":5})");
    EXPECT_EQ(
        dialect.encode_subscribed("7", room1, kListenBroadcast | kListenPresence)->text(),
        R"({"type":"subscribed","id":7,"channel":"room1","listen":["broadcast","presence"]})");
    EXPECT_EQ(dialect.encode_subscribed("7", room1, kListenNothing)->text(),
              R"({"type":"subscribed","id":7,"channel":"room1","listen":[]})");
    EXPECT_EQ(dialect.encode_subscribed("7", room1, kListenBroadcast)->text(),
              R"({"type":"subscribed","id":7,"channel":"room1","listen":["broadcast"]})");
    EXPECT_EQ(dialect.encode_subscribed("7", room1, kListenPresence)->text(),
              R"({"type":"subscribed","id":7,"channel":"room1","listen":["presence"]})");
    EXPECT_EQ(dialect.encode_unsubscribed("7", room1, std::nullopt)->text(),
              R"({"type":"unsubscribed","id":7,"channel":"room1"})");
    EXPECT_EQ(dialect.encode_pong("-7")->text(), R"({"type":"pong","id":-7})");
}

TEST_F(NativeEncodeTest, TellsOfSubscriptionsThatTheServerEnds) {
    EXPECT_EQ(dialect.encode_unsubscribed("", room1, Errc::forbidden)->text(),
              R"({"type":"unsubscribed","channel":"room1","code":4003})");
    EXPECT_EQ(dialect.encode_gap(room1, "broker")->text(),
              R"({"type":"gap","channel":"room1","reason":"broker"})");
    EXPECT_EQ(dialect.encode_token_expiring(1620000000)->text(),
              R"({"type":"token_expiring","expires_at":1620000000})");
}

TEST_F(NativeEncodeTest, ErrorsHoldWhatIsKnown) {
    CommandError error{Errc::rate_limited, "slow down"};
    error.id = "\"x\"";
    error.channel = "room\"1";
    error.retry_after_ms = 250;
    EXPECT_EQ(dialect.encode_error(error)->text(),
              R"({"type":"error","id":"x","code":4029,"reason":"rate_limited",)"
              R"("message":"slow down","channel":"room\"1","retry_after_ms":250})");
    EXPECT_EQ(dialect.encode_error(CommandError{Errc::bad_message, "what?"})->text(),
              R"({"type":"error","code":4000,"reason":"bad_message","message":"what?"})");
}

TEST_F(NativeEncodeTest, WelcomeTellsTheLimits) {
    const Welcome welcome{.connection_id = "c1",
                          .user_id = "alice",
                          .node = "n1",
                          .server = "roomcast/1.0.0",
                          .server_time_ms = 5,
                          .limits = &limits};
    EXPECT_EQ(dialect.encode_welcome(welcome)->text(),
              R"({"type":"welcome","connection_id":"c1","user_id":"alice",)"
              R"("ping_interval_ms":25000,"max_message_bytes":65536,)"
              R"("limits":{"max_subscriptions":1000,"max_presence_channels":128,)"
              R"("max_meta_bytes":8192,"max_event_bytes":256,"max_channel_bytes":256,)"
              R"("message_rate":100,"message_burst":2000,"presence_rate":10},)"
              R"("server_time":5,"server":"roomcast/1.0.0","node":"n1"})");
}

}  // namespace
}  // namespace roomcast

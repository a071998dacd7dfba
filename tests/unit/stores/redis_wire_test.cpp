// SPDX-License-Identifier: Apache-2.0
// Keys, values and messages, to the letter: gateways of the replaced service read and write them.
#include "stores/redis_wire.hpp"

#include <gtest/gtest.h>

#include "redis/client.hpp"

namespace roomcast {
namespace {

ChannelName named(std::string_view name) {
    return *ChannelName::make(name);
}

TEST(RedisWireTest, KeysOfAPlainChannel) {
    const RedisChannelKeys keys = redis_channel_keys("rc:", named("room1"));
    EXPECT_EQ(keys.presence, "presence:room1");
    EXPECT_EQ(keys.owners, "rc:{presence:room1}:own");
    EXPECT_EQ(keys.bus, "presence.room1");
    EXPECT_EQ(redis_channels_key("rc:", "0123456789abcdef"), "rc:{0123456789abcdef}:ch");
    EXPECT_EQ(redis_node_keys("x:").live, "x:{nodes}:live");
}

TEST(RedisWireTest, BothKeysOfAChannelAreInOneSlotWhateverItsBraces) {
    for (const char* name : {"room",
                             "a{b}c",
                             "{b}",
                             "a{b}{c}",
                             "a{}b",
                             "{}",
                             "}{",
                             "a}b",
                             "a{b",
                             "}",
                             "{",
                             "a{}b{c}",
                             "{{x}}",
                             "{nodes}",
                             "x}y{z}"}) {
        const RedisChannelKeys keys = redis_channel_keys("rc:", named(name));
        EXPECT_EQ(redis::key_slot(keys.owners), redis::key_slot(keys.presence)) << name;
    }
    EXPECT_EQ(redis_channel_keys("rc:", named("a{b}c")).owners, "rc:{b}:own:a{b}c");
}

TEST(RedisWireTest, ChannelsThatShareATagHaveKeysOfTheirOwn) {
    EXPECT_NE(redis_channel_keys("rc:", named("a{b}")).owners,
              redis_channel_keys("rc:", named("c{b}")).owners);
    EXPECT_NE(redis_channel_keys("rc:", named("a{}")).owners,
              redis_channel_keys("rc:", named("a}")).owners);
}

TEST(RedisWireTest, PiecesAddUpToTheMessagesOfTheReplacedService) {
    const auto meta = std::make_shared<const std::string>(R"({"name":"Alice"})");
    const std::string value = redis_value_head("alice", meta) + "1620000000}";
    EXPECT_EQ(value, R"({"user_id":"alice","meta":{"name":"Alice"},"updated_at":1620000000})");
    EXPECT_EQ(redis_value_head("a\"b", nullptr) + "7}",
              R"({"user_id":"a\"b","meta":null,"updated_at":7})");
    EXPECT_EQ(
        R"({"type":"presence_join)" + redis_upsert_message(named("room1"), "alice") + value +
            R"(,"ts":1620000000000})",
        R"({"type":"presence_join","channel_id":"room1","user_id":"alice","meta":{"user_id":"alice","meta":{"name":"Alice"},"updated_at":1620000000},"ts":1620000000000})");
    EXPECT_EQ(
        redis_leave_head(named("room1")) + redis_quoted("alice") + std::string(redis_leave_tail()) +
            "1}",
        R"({"type":"presence_leave","channel_id":"room1","user_id":"alice","meta":{"user_id":"","meta":null,"updated_at":0},"ts":1})");
}

TEST(RedisWireTest, ReadsAValueThatAnybodyMayHaveWritten) {
    const auto entry = read_redis_value(
        "alice", "{ \"updated_at\" : 5, \"meta\": {\"n\":\n12345678901234567890} }");
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->user_id, "alice");
    EXPECT_EQ(*entry->meta, R"({"n": 12345678901234567890})");
    EXPECT_EQ(entry->updated_at, 5);
    EXPECT_FALSE(read_redis_value("alice", R"({"meta":null})")->meta);
    for (const char* broken : {"", "null", "[]", "{", R"({"meta":})", "{\"meta\":\"\xff\"}"}) {
        EXPECT_FALSE(read_redis_value("alice", broken)) << broken;
    }
    EXPECT_FALSE(read_redis_value("\xff", "{}"));
    EXPECT_FALSE(read_redis_value("", "{}"));
}

TEST(RedisWireTest, ReadsAnEventWithAndWithoutANumber) {
    const auto event = read_redis_event(
        named("r"),
        R"({"type":"presence_update","channel_id":"r","user_id":"a","meta":{"user_id":"a","meta":{"n":1},"updated_at":9},"ts":8,"seq":1795516347658616,"node":"x"})");
    ASSERT_TRUE(event);
    EXPECT_EQ(event->change, PresenceChange::update);
    EXPECT_EQ(event->entry.user_id, "a");
    EXPECT_EQ(*event->entry.meta, R"({"n":1})");
    EXPECT_EQ(event->entry.updated_at, 9);
    EXPECT_EQ(event->ts_ms, 8);
    EXPECT_EQ(event->sequence, 1'795'516'347'658'616U);
    const auto leave = read_redis_event(
        named("r"), R"({"type":"presence_leave","user_id":"a","meta":{"meta":{"n":1}}})");
    ASSERT_TRUE(leave);
    EXPECT_EQ(leave->sequence, 0U);
    EXPECT_FALSE(leave->entry.meta);
}

TEST(RedisWireTest, WhatIsNoEventIsNone) {
    for (const char* text : {"",
                             "x",
                             R"({"type":"broadcast","user_id":"a"})",
                             R"({"type":"presence_join"})",
                             R"({"type":"presence_join","user_id":""})",
                             R"({"type":"presence_join","user_id":7})"}) {
        EXPECT_FALSE(read_redis_event(named("r"), text)) << text;
    }
    for (const char* number : {"-1", "0", "1.5", "9007199254740992", "\"1\""}) {
        const auto event = read_redis_event(
            named("r"),
            std::string(R"({"type":"presence_join","user_id":"a","seq":)") + number + '}');
        ASSERT_TRUE(event) << number;
        EXPECT_EQ(event->sequence, 0U) << number;
    }
}

}  // namespace
}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// What clients of the native dialect may say, and what they are told when they err.
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/json.hpp"
#include "protocol/native.hpp"

namespace roomcast {
namespace {

using testing::HasSubstr;

/// Parses with the default limits; the result's views live as long as this.
class Parsed {
public:
    explicit Parsed(std::string_view text)
        : text_(text),
          result_(NativeDialect(kLimits).parse(text_.text(), scratch_)) {}

    Parsed(const Parsed&) = delete;
    Parsed& operator=(const Parsed&) = delete;

    [[nodiscard]] bool is_command() const { return result_.has_value(); }

    [[nodiscard]] const RequestId& id() const { return command().id; }

    [[nodiscard]] CommandError error() const { return result_.error(); }

    template <class Body>
    [[nodiscard]] const Body& body() const {
        return std::get<Body>(command().body);
    }

    static constexpr Limits kLimits{};

private:
    /// Throws, which fails the test, where there is none.
    [[nodiscard]] const Command& command() const {
        if (!result_) throw std::runtime_error("refused: " + result_.error().message);
        return *result_;
    }

    json::PaddedString text_;
    std::string scratch_;
    Outcome<Command, CommandError> result_;
};

TEST(NativeSubscribeTest, SetsTheListenSet) {
    const auto listen = [](std::string_view words) {
        const Parsed parsed(R"({"type":"subscribe","channel":"room1","listen":)" +
                            std::string(words) + "}");
        EXPECT_EQ(parsed.body<SubscribeCommand>().channel.text(), "room1");
        return int{parsed.body<SubscribeCommand>().listen};
    };
    EXPECT_EQ(listen("[]"), kListenNothing);
    EXPECT_EQ(listen(R"(["broadcast"])"), kListenBroadcast);
    EXPECT_EQ(listen(R"(["presence"])"), kListenPresence);
    EXPECT_EQ(listen(R"(["presence","broadcast","presence"])"), kListenBroadcast | kListenPresence);
    EXPECT_EQ(listen(R"(["pr\u0065sence"])"), kListenPresence);
}

TEST(NativeSubscribeTest, TakesNullForSinceThatIsNotSet) {
    const Parsed parsed(R"({"type":"subscribe","channel":"a","listen":[],"since":null})");
    EXPECT_TRUE(parsed.is_command());
}

TEST(NativeBroadcastTest, HandsThePayloadOnAsItCame) {
    for (const std::string_view payload : {"null",
                                           "{\"b\":1,\"a\":2,\"b\":3}",
                                           "12345678901234567890123",
                                           "1.50",
                                           "\"\\u0041\"",
                                           "[ 1,\t2 ]",
                                           "\"\xe2\x82\xac\""}) {
        const Parsed parsed(R"({"type":"broadcast","channel":"a","payload":)" +
                            std::string(payload) + "}");
        EXPECT_EQ(parsed.body<BroadcastCommand>().payload, payload);
    }
}

TEST(NativeBroadcastTest, TurnsLineBreaksInThePayloadIntoSpaces) {
    const Parsed parsed("{\"type\":\"broadcast\",\n\"channel\":\"a\",\"payload\":{\r\n\"a\":\n1}}");
    EXPECT_EQ(parsed.body<BroadcastCommand>().payload, "{  \"a\": 1}");
}

TEST(NativeBroadcastTest, HasDefaults) {
    const Parsed parsed(R"({"type":"broadcast","channel":"a"})");
    const auto& broadcast = parsed.body<BroadcastCommand>();
    EXPECT_EQ(broadcast.event, "");
    EXPECT_EQ(broadcast.payload, "null");
    EXPECT_TRUE(broadcast.is_echoed);
    EXPECT_EQ(broadcast.idempotency_key, "");
    EXPECT_EQ(parsed.id(), "");
}

TEST(NativeBroadcastTest, TakesNullForOptionalFieldsThatAreNotSet) {
    const Parsed parsed(
        R"({"type":"broadcast","channel":"a","event":null,"payload":null,"self":null,"key":null})");
    const auto& broadcast = parsed.body<BroadcastCommand>();
    EXPECT_EQ(broadcast.event, "");
    EXPECT_EQ(broadcast.payload, "null");
    EXPECT_TRUE(broadcast.is_echoed);
}

TEST(NativeBroadcastTest, ReadsEveryField) {
    const Parsed parsed(R"({"id":7,"type":"broadcast","channel":"a","event":"e\n\"\u00e9",)"
                        R"("payload":[],"self":false,"key":"k1","more":{"x":[1]}})");
    const auto& broadcast = parsed.body<BroadcastCommand>();
    EXPECT_EQ(broadcast.channel.text(), "a");
    EXPECT_EQ(broadcast.event, "e\n\"\xc3\xa9");
    EXPECT_EQ(broadcast.payload, "[]");
    EXPECT_FALSE(broadcast.is_echoed);
    EXPECT_EQ(broadcast.idempotency_key, "k1");
    EXPECT_EQ(parsed.id(), "7");
}

TEST(NativeBroadcastTest, KeepsEscapedTextsApart) {
    const Parsed parsed(
        "{\"\\u0074ype\":\"broad\\u0063ast\",\"channel\":\"\\u0061\","
        "\"event\":\"\\u0062\",\"key\":\"\\u0063\",\"payload\":[\n\"\\u0064\"]}");
    const auto& broadcast = parsed.body<BroadcastCommand>();
    EXPECT_EQ(broadcast.channel.text(), "a");
    EXPECT_EQ(broadcast.event, "b");
    EXPECT_EQ(broadcast.idempotency_key, "c");
    EXPECT_EQ(broadcast.payload, "[ \"\\u0064\"]");
}

TEST(NativePresenceTest, ReadsMeta) {
    const Parsed join(R"({"type":"presence_join","channel":"a","payload":{"name":"Al"}})");
    EXPECT_EQ(join.body<PresenceSetCommand>().meta, R"({"name":"Al"})");
    EXPECT_FALSE(join.body<PresenceSetCommand>().is_update);
    const Parsed update("{\"type\":\"presence_update\",\"channel\":\"a\",\"payload\":{\n}}");
    EXPECT_EQ(update.body<PresenceSetCommand>().meta, "{ }");
    EXPECT_TRUE(update.body<PresenceSetCommand>().is_update);
}

TEST(NativePresenceTest, MetaMayBeLeftOut) {
    EXPECT_EQ(Parsed(R"({"type":"presence_join","channel":"a"})").body<PresenceSetCommand>().meta,
              "");
    EXPECT_EQ(Parsed(R"({"type":"presence_update","channel":"a","payload":null})")
                  .body<PresenceSetCommand>()
                  .meta,
              "");
}

TEST(NativeCommandTest, ReadsTheOtherTypes) {
    EXPECT_EQ(
        Parsed(R"({"type":"unsubscribe","channel":"a"})").body<UnsubscribeCommand>().channel.text(),
        "a");
    EXPECT_EQ(Parsed(R"({"type":"presence_leave","channel":"b"})")
                  .body<PresenceLeaveCommand>()
                  .channel.text(),
              "b");
    EXPECT_EQ(Parsed(R"({"type":"presence_get","channel":"c","id":"x"})")
                  .body<PresenceGetCommand>()
                  .channel.text(),
              "c");
    EXPECT_EQ(Parsed(R"({"type":"refresh","token":"t.t.t","id":1})").body<RefreshCommand>().token,
              "t.t.t");
    EXPECT_NO_THROW((void)Parsed(R"({"type":"ping","channel":7})").body<PingCommand>());
}

TEST(NativeCommandTest, LetsTheLastOfRepeatedFieldsWin) {
    const Parsed parsed(
        R"({"type":"ping","channel":"first","id":1,"event":"e","type":"broadcast","id":"2",)"
        R"("channel":"last","payload":1,"event":"f","payload":2,"self":7,"self":true})");
    const auto& broadcast = parsed.body<BroadcastCommand>();
    EXPECT_EQ(broadcast.channel.text(), "last");
    EXPECT_EQ(broadcast.event, "f");
    EXPECT_EQ(broadcast.payload, "2");
    EXPECT_EQ(parsed.id(), "\"2\"");
    EXPECT_EQ(Parsed(R"({"type":"ping","type":"pong"})").error().code, Errc::bad_message);
}

TEST(NativeCommandTest, KnowsFieldNamesInExactCaseOnly) {
    EXPECT_FALSE(Parsed(R"({"Type":"ping"})").is_command());
}

TEST(NativeIdTest, IsEchoedAsItWasWritten) {
    for (const std::string_view id :
         {"0", "-0", "9007199254740992", "-9007199254740992", "\"\"", "\"abc\"", R"("\u0061\n")"}) {
        EXPECT_EQ(Parsed(R"({"type":"ping","id":)" + std::string(id) + "}").id(), id);
    }
    const std::string longest = '"' + std::string(64, 'i') + '"';
    EXPECT_EQ(Parsed(R"({"type":"ping","id":)" + longest + "}").id(), longest);
    std::string escaped = "\"";
    for (int i = 0; i < 64; ++i)
        escaped += "\\u0061";
    escaped += '"';
    EXPECT_EQ(Parsed(R"({"type":"ping","id":)" + escaped + "}").id(), escaped);
}

TEST(NativeIdTest, IsRefusedWhenItIsSomethingElse) {
    const std::string too_long = '"' + std::string(65, 'i') + '"';
    for (const std::string_view id : {"9007199254740993",
                                      "-9007199254740993",
                                      "99999999999999999999",
                                      "1.0",
                                      "1e3",
                                      "null",
                                      "true",
                                      "[]",
                                      "{}",
                                      too_long.c_str()}) {
        const Parsed parsed(R"({"channel":"a","type":"ping","id":)" + std::string(id) + "}");
        ASSERT_FALSE(parsed.is_command()) << id;
        EXPECT_EQ(parsed.error().code, Errc::bad_message);
        EXPECT_EQ(parsed.error().id, "");
        EXPECT_EQ(parsed.error().channel, "a");
        EXPECT_THAT(parsed.error().message, HasSubstr("\"id\""));
    }
}

struct Refusal {
    std::string text;
    Errc code;
    std::string message;  // all of it
};

TEST(NativeErrorTest, SaysWhatIsWrongAndWhatIsAllowed) {
    const std::string long_text(257, 'x');
    const Refusal refusals[] = {
        {"", Errc::bad_message, "the message is not valid JSON: there is no text"},
        {"hello", Errc::bad_message, "a message must be one JSON object"},
        {"[]", Errc::bad_message, "a message must be one JSON object"},
        {R"({"type":"ping"}{})",
         Errc::bad_message,
         "the message is not valid JSON: there is text behind the object (at byte 15)"},
        {R"({"type":"broadcast","channel":"a","payload":tru})",
         Errc::bad_message,
         "the message is not valid JSON: a bracket, quote, comma, colon or value is wrong or "
         "missing (at byte 44)"},
        {"{}", Errc::bad_message, "\"type\" must be a string, and is missing"},
        {R"({"type":7})", Errc::bad_message, "\"type\" must be a string, not a number"},
        {R"({"type":"brodcast","channel":"a"})",
         Errc::bad_message,
         "unknown \"type\" \"brodcast\"; known are broadcast, subscribe, unsubscribe, "
         "presence_join, presence_update, presence_leave, presence_get, ping, refresh"},
        {R"({"type":"history","channel":"a"})",
         Errc::bad_message,
         "\"history\" is not available: this server keeps none"},
        {R"({"type":"subscribe","listen":[]})",
         Errc::bad_message,
         "\"channel\" must be a string, and is missing"},
        {R"({"type":"unsubscribe","channel":null})",
         Errc::bad_message,
         "\"channel\" must be a string, not null"},
        {R"({"type":"presence_leave","channel":""})", Errc::bad_channel, "\"channel\" is empty"},
        {R"({"type":"presence_get","channel":")" + long_text + "\"}",
         Errc::bad_channel,
         "\"channel\" is longer than 256 bytes"},
        {R"({"type":"broadcast","channel":"a\u0000"})",
         Errc::bad_channel,
         "\"channel\" holds a control character"},
        {R"({"type":"subscribe","channel":"a"})",
         Errc::bad_message,
         "\"listen\" must be an array of \"broadcast\" and \"presence\", and is missing"},
        {R"({"type":"subscribe","channel":"a","listen":"presence"})",
         Errc::bad_message,
         "\"listen\" must be an array of \"broadcast\" and \"presence\", not a string"},
        {R"({"type":"subscribe","channel":"a","listen":null})",
         Errc::bad_message,
         "\"listen\" must be an array of \"broadcast\" and \"presence\", not null"},
        {R"({"type":"subscribe","channel":"a","listen":["presence","all"]})",
         Errc::bad_message,
         "\"listen\" must be an array of \"broadcast\" and \"presence\", and holds \"all\""},
        {R"({"type":"subscribe","channel":"a","listen":[[]]})",
         Errc::bad_message,
         "\"listen\" must be an array of \"broadcast\" and \"presence\", and holds an array"},
        {R"({"type":"subscribe","channel":"a","listen":[],"since":{"last":5}})",
         Errc::bad_message,
         "\"since\" is not available: this server keeps no history"},
        {R"({"type":"broadcast","channel":"a","event":{}})",
         Errc::bad_message,
         "\"event\" must be a string, not an object"},
        {R"({"type":"broadcast","channel":"a","event":")" + long_text + "\"}",
         Errc::limit,
         "\"event\" is longer than 256 bytes"},
        {R"({"type":"broadcast","channel":"a","self":"false"})",
         Errc::bad_message,
         "\"self\" must be true or false, not a string"},
        {R"({"type":"broadcast","channel":"a","key":5})",
         Errc::bad_message,
         "\"key\" must be a string, not a number"},
        {R"({"type":"broadcast","channel":"a","key":""})", Errc::bad_message, "\"key\" is empty"},
        {R"({"type":"broadcast","channel":"a","key":")" + long_text + "\"}",
         Errc::limit,
         "\"key\" is longer than 64 bytes"},
        {R"({"type":"presence_join","channel":"a","payload":[]})",
         Errc::bad_message,
         "\"payload\" must be an object (or left out), not an array"},
        {R"({"type":"presence_update","channel":"a","payload":{"x":")" + std::string(8192, 'x') +
             "\"}}",
         Errc::limit,
         "\"payload\" is longer than 8192 bytes"},
        {R"({"type":"refresh"})", Errc::bad_message, "\"token\" must be a string, and is missing"},
    };
    for (const Refusal& refusal : refusals) {
        const Parsed parsed(refusal.text);
        ASSERT_FALSE(parsed.is_command()) << refusal.text;
        EXPECT_EQ(parsed.error().code, refusal.code) << refusal.text;
        EXPECT_EQ(parsed.error().message, refusal.message);
    }
}

TEST(NativeErrorTest, CarriesIdAndChannelWhereTheyCanBeRead) {
    const Parsed both(R"({"type":"broadcast","channel":"a","self":1,"id":"x"})");
    EXPECT_EQ(both.error().id, "\"x\"");
    EXPECT_EQ(both.error().channel, "a");
    const Parsed bad_channel(R"({"type":"broadcast","channel":7,"id":5})");
    EXPECT_EQ(bad_channel.error().id, "5");
    EXPECT_EQ(bad_channel.error().channel, "");
    const Parsed unknown(R"({"type":"what","channel":"a","id":5})");
    EXPECT_EQ(unknown.error().id, "5");
    EXPECT_EQ(unknown.error().channel, "a");
    const Parsed broken(R"({"type":"what","channel":"a","id":5)");
    EXPECT_EQ(broken.error().id, "");
    EXPECT_EQ(broken.error().channel, "");
}

TEST(NativeErrorTest, NeverSendsALongTextBack) {
    const std::string long_text(60'000, 'x');
    const Parsed channel(R"({"type":"broadcast","channel":")" + long_text + "\"}");
    EXPECT_EQ(channel.error().channel, "");
    const Parsed type(R"({"type":")" + long_text + "\"}");
    EXPECT_LT(type.error().message.size(), 200u);
    const Parsed listen(R"({"type":"subscribe","channel":"a","listen":[")" + long_text + "\"]}");
    EXPECT_LT(listen.error().message.size(), 200u);
}

TEST(NativeLimitsTest, AreTheServersOwn) {
    Limits limits;
    limits.event_bytes = 2;
    limits.meta_bytes = 9;
    const NativeDialect dialect(limits);
    std::string scratch;
    const auto is_taken = [&](std::string_view text) {
        const json::PaddedString padded(text);
        return dialect.parse(padded.text(), scratch).has_value();
    };
    EXPECT_TRUE(is_taken(R"({"type":"broadcast","channel":"a","event":"ab"})"));
    EXPECT_FALSE(is_taken(R"({"type":"broadcast","channel":"a","event":"abc"})"));
    EXPECT_TRUE(is_taken(R"({"type":"presence_join","channel":"a","payload":{"a":123}})"));
    EXPECT_FALSE(is_taken(R"({"type":"presence_join","channel":"a","payload":{"a":1234}})"));
}

}  // namespace
}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The rules of RFC 6455 for what a server receives, each with its section. Every case is read in
// one piece, in two pieces cut at every position, and byte by byte: the events must be the same.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/websocket.hpp"
#include "tests/unit/codec/client_frames.hpp"
#include "tests/unit/codec/reader_feeder.hpp"

namespace roomcast::websocket {
namespace {

using testing::ElementsAre;

constexpr std::uint8_t kContinuation = 0x0;
constexpr std::uint8_t kText = 0x1;
constexpr std::uint8_t kBinary = 0x2;
constexpr std::uint8_t kClose = 0x8;
constexpr std::uint8_t kPing = 0x9;
constexpr std::uint8_t kPong = 0xa;

constexpr FrameShape kMore{.is_final = false};

struct Rule {
    std::string name;  // section and what is tried
    std::string bytes;
    std::vector<std::string> events;
};

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest's name
void PrintTo(const Rule& rule, std::ostream* out) {
    *out << rule.name;
}

std::vector<Rule> length_rules() {
    std::vector<Rule> rules;
    for (const std::size_t size :
         {0U, 1U, 7U, 8U, 9U, 63U, 64U, 124U, 125U, 126U, 127U, 128U, 1000U}) {
        const std::string payload(size, 'x');
        rules.push_back({"5_2_text_of_" + std::to_string(size),
                         client_frame(kText, payload),
                         {"text " + shown(payload)}});
        rules.push_back({"5_2_binary_of_" + std::to_string(size),
                         client_frame(kBinary, payload),
                         {"binary " + shown(payload)}});
    }
    rules.push_back({"5_2_length_of_16_bits_where_7_do",
                     client_frame(kText, "hi", {.length_bytes = 2}),
                     {"error 1002"}});
    rules.push_back({"5_2_length_of_16_bits_where_7_just_do",
                     client_frame(kText, std::string(125, 'x'), {.length_bytes = 2}),
                     {"error 1002"}});
    rules.push_back({"5_2_length_of_64_bits_where_16_do",
                     client_frame(kText, std::string(300, 'x'), {.length_bytes = 8}),
                     {"error 1002"}});
    rules.push_back({"5_2_length_with_the_top_bit",
                     client_frame(kText, "", {.announced_length = 1ULL << 63}),
                     {"error 1002"}});
    rules.push_back({"5_2_length_of_all_ones_but_the_top_bit",
                     client_frame(kText, "", {.announced_length = (1ULL << 63) - 1}),
                     {"error 1009"}});
    rules.push_back({"7_4_1_too_long_by_one",
                     client_frame(kBinary, "", {.announced_length = kLimits.message_bytes + 1}),
                     {"error 1009"}});
    rules.push_back(
        {"7_4_1_too_long_together",
         client_frame(kText, "abc", kMore) +
             client_frame(kContinuation, "", {.announced_length = kLimits.message_bytes - 2}),
         {"error 1009"}});
    return rules;
}

std::vector<Rule> frame_rules() {
    return {
        {"5_1_unmasked", client_frame(kText, "hi", {.is_masked = false}), {"error 1002"}},
        {"5_1_unmasked_ping", client_frame(kPing, "", {.is_masked = false}), {"error 1002"}},
        {"5_2_rsv1", client_frame(kText, "hi", {.reserved_bits = 0x40}), {"error 1002"}},
        {"5_2_rsv2", client_frame(kText, "hi", {.reserved_bits = 0x20}), {"error 1002"}},
        {"5_2_rsv3_of_a_ping", client_frame(kPing, "", {.reserved_bits = 0x10}), {"error 1002"}},
        {"5_2_opcode_3", client_frame(0x3, "hi"), {"error 1002"}},
        {"5_2_opcode_7", client_frame(0x7, ""), {"error 1002"}},
        {"5_2_opcode_11", client_frame(0xb, ""), {"error 1002"}},
        {"5_2_opcode_15", client_frame(0xf, "hi"), {"error 1002"}},
        {"5_3_example_of_the_RFC",
         std::string("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
         {"text Hello"}},
        {"5_6_two_messages",
         client_frame(kText, "one") + client_frame(kBinary, "two"),
         {"text one", "binary two"}},
    };
}

std::vector<Rule> control_rules() {
    const std::string longest(125, 'p');
    return {
        {"5_5_2_ping", client_frame(kPing, "are you there"), {"ping are you there"}},
        {"5_5_2_empty_ping", client_frame(kPing, ""), {"ping "}},
        {"5_5_2_binary_ping", client_frame(kPing, "\xff\xfe"), {"ping \xff\xfe"}},
        {"5_5_longest_ping", client_frame(kPing, longest), {"ping " + longest}},
        {"5_5_ping_too_long", client_frame(kPing, longest + "p"), {"error 1002"}},
        {"5_5_ping_with_64_bit_length",
         client_frame(kPing, "p", {.length_bytes = 8}),
         {"error 1002"}},
        {"5_5_ping_fragmented", client_frame(kPing, "p", kMore), {"error 1002"}},
        {"5_5_pong_fragmented", client_frame(kPong, "p", kMore), {"error 1002"}},
        {"5_5_close_fragmented", client_frame(kClose, "", kMore), {"error 1002"}},
        {"5_5_close_too_long", client_frame(kClose, "\x03\xe8" + longest), {"error 1002"}},
        {"5_5_3_pong_unasked",
         client_frame(kPong, "p") + client_frame(kPing, "q"),
         {"pong", "ping q"}},
    };
}

std::vector<Rule> fragment_rules() {
    const auto text = [](std::string_view part) { return client_frame(kText, part, kMore); };
    const auto more = [](std::string_view part) {
        return client_frame(kContinuation, part, kMore);
    };
    const auto last = [](std::string_view part) { return client_frame(kContinuation, part); };
    return {
        {"5_4_two", text("frag") + last("ment"), {"text fragment"}},
        {"5_4_three", text("a") + more("b") + last("c"), {"text abc"}},
        {"5_4_binary",
         client_frame(kBinary, "\xfd\xff", kMore) + last("\xfe"),
         {"binary \xfd\xff\xfe"}},
        {"5_4_empty_ones", text("") + more("") + last(""), {"text "}},
        {"5_4_empty_last", text("all") + last(""), {"text all"}},
        {"5_4_control_frames_in_between",
         text("a") + client_frame(kPing, "1") + more("b") + client_frame(kPong, "") +
             client_frame(kPing, "2") + last("c") + client_frame(kText, "next"),
         {"ping 1", "pong", "ping 2", "text abc", "text next"}},
        {"5_5_1_close_in_between",
         text("a") + client_frame(kClose, "\x03\xe8") + last("b"),
         {"close 1000 "}},
        {"5_4_continuation_without_start", last("x"), {"error 1002"}},
        {"5_4_continuation_behind_a_whole_message",
         client_frame(kText, "a") + last("x"),
         {"text a", "error 1002"}},
        {"5_4_continuation_behind_a_finished_one",
         text("a") + last("b") + more("x"),
         {"text ab", "error 1002"}},
        {"5_4_new_text_within_a_message", text("a") + client_frame(kText, "b"), {"error 1002"}},
        {"5_4_new_binary_within_a_message",
         text("a") + client_frame(kBinary, "b", kMore),
         {"error 1002"}},
        {"7_4_1_as_many_as_allowed",
         text("a") + more("b") + more("c") + more("d") + last("e"),
         {"text abcde"}},
        {"7_4_1_one_too_many",
         text("a") + more("b") + more("c") + more("d") + more("e") + last("f"),
         {"error 1008"}},
        {"7_4_1_too_many_empty_ones",
         text("") + more("") + more("") + more("") + more("") + more(""),
         {"error 1008"}},
    };
}

std::vector<Rule> close_rules() {
    const auto with_code = [](int code, std::string_view reason = "") {
        std::string body;
        body += static_cast<char>(code >> 8);
        body += static_cast<char>(code & 0xff);
        return client_frame(kClose, body.append(reason));
    };
    std::vector<Rule> rules = {
        {"5_5_1_without_code", client_frame(kClose, ""), {"close"}},
        {"5_5_1_half_a_code", client_frame(kClose, "\x03"), {"error 1002"}},
        {"5_5_1_reason", with_code(1000, "bye \xe2\x82\xac"), {"close 1000 bye \xe2\x82\xac"}},
        {"5_5_1_longest_reason",
         with_code(1000, std::string(123, 'r')),
         {"close 1000 " + std::string(123, 'r')}},
        {"5_5_1_reason_not_utf8", with_code(1000, "\xff"), {"error 1007"}},
        {"5_5_1_reason_cut_in_a_character", with_code(1000, "\xe2\x82"), {"error 1007"}},
        {"5_5_1_ignores_what_follows",
         with_code(1001) + client_frame(kText, "late") + client_frame(0xf, "worse"),
         {"close 1001 "}},
        {"7_1_7_ignores_what_follows_an_error",
         client_frame(0xf, "") + client_frame(kText, "late"),
         {"error 1002"}},
    };
    for (const int code : {1000,
                           1001,
                           1002,
                           1003,
                           1007,
                           1008,
                           1009,
                           1010,
                           1011,
                           1012,
                           1013,
                           1014,
                           3000,
                           3999,
                           4000,
                           4999}) {
        rules.push_back({"7_4_code_" + std::to_string(code),
                         with_code(code),
                         {"close " + std::to_string(code) + ' '}});
    }
    for (const int code :
         {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
        rules.push_back({"7_4_no_code_" + std::to_string(code), with_code(code), {"error 1002"}});
    }
    return rules;
}

std::vector<Rule> utf8_rules() {
    const std::string greek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
    std::vector<Rule> rules = {
        {"8_1_valid", client_frame(kText, greek), {"text " + greek}},
        {"8_1_invalid", client_frame(kText, greek + "\xed\xa0\x80"), {"error 1007"}},
        {"8_1_invalid_in_the_second_fragment",
         client_frame(kText, "a", kMore) + client_frame(kContinuation, "\xff", kMore),
         {"error 1007"}},
        {"8_1_unfinished", client_frame(kText, "a\xe2\x82"), {"error 1007"}},
        {"8_1_unfinished_over_fragments",
         client_frame(kText, "a\xe2", kMore) + client_frame(kContinuation, "\x82"),
         {"error 1007"}},
        {"8_1_binary_may_be_anything", client_frame(kBinary, "\xff\xc0"), {"binary \xff\xc0"}},
        {"8_1_binary_fragments_too",
         client_frame(kBinary, "\xff", kMore) + client_frame(kContinuation, "\xc0"),
         {"binary \xff\xc0"}},
    };
    for (std::size_t cut = 0; cut <= greek.size(); ++cut) {
        rules.push_back({"8_1_fragments_cut_at_" + std::to_string(cut),
                         client_frame(kText, greek.substr(0, cut), kMore) +
                             client_frame(kContinuation, greek.substr(cut)),
                         {"text " + greek}});
    }
    return rules;
}

class Rfc6455Test : public testing::TestWithParam<Rule> {};

TEST_P(Rfc6455Test, GivesTheSameEventsHoweverTheBytesArrive) {
    const Rule& rule = GetParam();
    for (std::size_t cut = 0; cut < rule.bytes.size(); ++cut) {
        Feeder feeder(kLimits);
        feeder.feed(std::string_view(rule.bytes).substr(0, cut));
        feeder.feed(std::string_view(rule.bytes).substr(cut));
        ASSERT_EQ(feeder.events(), rule.events) << "cut at " << cut;
    }
    Feeder feeder(kLimits);
    for (const char& byte : rule.bytes)
        feeder.feed({&byte, 1});
    EXPECT_EQ(feeder.events(), rule.events);
}

std::string name_of(const testing::TestParamInfo<Rule>& rule) {
    return rule.param.name;
}

INSTANTIATE_TEST_SUITE_P(Lengths, Rfc6455Test, testing::ValuesIn(length_rules()), name_of);
INSTANTIATE_TEST_SUITE_P(Frames, Rfc6455Test, testing::ValuesIn(frame_rules()), name_of);
INSTANTIATE_TEST_SUITE_P(Controls, Rfc6455Test, testing::ValuesIn(control_rules()), name_of);
INSTANTIATE_TEST_SUITE_P(Fragments, Rfc6455Test, testing::ValuesIn(fragment_rules()), name_of);
INSTANTIATE_TEST_SUITE_P(Closes, Rfc6455Test, testing::ValuesIn(close_rules()), name_of);
INSTANTIATE_TEST_SUITE_P(Texts, Rfc6455Test, testing::ValuesIn(utf8_rules()), name_of);

TEST(WebSocketReaderTest, ReadsALongMessageInPiecesOfAnySize) {
    std::string payload;
    for (int i = 0; i < 66'000; ++i)
        payload += static_cast<char>('a' + i % 26);
    const std::string frame = client_frame(kText, payload);
    for (const std::size_t piece : {1U, 3U, 13U, 1'000U, 65'536U, 70'000U}) {
        Reader reader(kLimits);
        std::string got;
        for (std::size_t at = 0; at < frame.size(); at += piece) {
            const std::size_t size = std::min(piece, frame.size() - at);
            std::string buffer = frame.substr(at, size) + std::string(kMessagePadding, '\0');
            std::span<char> input(buffer.data(), size);
            for (Event event = reader.next(input); !std::holds_alternative<NeedMore>(event);
                 event = reader.next(input)) {
                got = std::get<Message>(event).payload;
            }
        }
        EXPECT_EQ(got, payload) << "in pieces of " << piece;
    }
}

TEST(WebSocketReaderTest, GivesAWholeMessageAsAViewOfTheInput) {
    std::string buffer = client_frame(kText, "in place");
    const std::size_t size = buffer.size();
    buffer.append(kMessagePadding, '\0');
    std::span<char> input(buffer.data(), size);
    Reader reader(kLimits);
    const Event event = reader.next(input);
    EXPECT_EQ(std::get<Message>(event).payload.data(), buffer.data() + 6);
    EXPECT_TRUE(reader.is_idle());
}

TEST(WebSocketReaderTest, HoldsNothingBetweenMessages) {
    const std::string frames = client_frame(kText, "a", kMore) + client_frame(kPing, "") +
                               client_frame(kContinuation, "b");
    Feeder feeder(kLimits);
    EXPECT_TRUE(feeder.is_idle());
    feeder.feed(frames.substr(0, 1));
    EXPECT_FALSE(feeder.is_idle());
    feeder.feed(frames.substr(1));
    EXPECT_THAT(feeder.events(), ElementsAre("ping ", "text ab"));
    EXPECT_TRUE(feeder.is_idle());
    feeder.feed(client_frame(kPing, "cut").substr(0, 8));
    EXPECT_FALSE(feeder.is_idle());
}

TEST(WebSocketReaderTest, RefusesALongMessageBeforeItsPayloadArrives) {
    const ReaderLimits limits{.message_bytes = 1'000, .fragments = 5};
    Feeder feeder(limits);
    feeder.feed(client_frame(kText, "", {.announced_length = 1'001}));
    EXPECT_THAT(feeder.events(), ElementsAre("error 1009"));
}

TEST(WebSocketReaderTest, RefusesInvalidTextBeforeItsFrameEnds) {
    const std::string frame = client_frame(kText, "ab\xff" + std::string(1'000, 'x'));
    const std::size_t header = 8;
    Feeder feeder(kLimits);
    feeder.feed(frame.substr(0, header + 2));
    EXPECT_THAT(feeder.events(), ElementsAre());
    feeder.feed(frame.substr(header + 2, 1));
    EXPECT_THAT(feeder.events(), ElementsAre("error 1007"));
}

TEST(WebSocketReaderTest, RefusesAWrongStartBeforeItsHeaderEnds) {
    Feeder feeder(kLimits);
    feeder.feed("\x83\xfe");
    EXPECT_THAT(feeder.events(), ElementsAre("error 1002"));
    EXPECT_TRUE(feeder.is_idle()) << "nothing is kept of a connection that ends";
}

TEST(WebSocketReaderTest, TakesAMessageOfExactlyTheLimit) {
    const std::string limit(kLimits.message_bytes, 'x');
    Feeder feeder(kLimits);
    feeder.feed(client_frame(kBinary, limit));
    feeder.feed(client_frame(kBinary, limit.substr(1), kMore) + client_frame(kContinuation, "x"));
    EXPECT_THAT(feeder.events(), ElementsAre("binary 70000 bytes", "binary 70000 bytes"));
}

}  // namespace
}  // namespace roomcast::websocket

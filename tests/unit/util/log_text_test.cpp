// SPDX-License-Identifier: Apache-2.0
#include "util/log_text.hpp"

#include <cstdint>
#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast::log {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kTime = 1'769'903'999'123;

std::string text_line(std::string_view message, Fields fields = {}) {
    return make_line(Format::text, kTime, Level::warn, message, fields);
}

std::string json_line(std::string_view message, Fields fields = {}) {
    return make_line(Format::json, kTime, Level::warn, message, fields);
}

TEST(LogTextTest, WritesTimesInUtcWithMilliseconds) {
    EXPECT_EQ(rfc3339(kTime), "2026-01-31T23:59:59.123Z");
    EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999Z");
}

TEST(LogTextTest, WritesOneLineForPeople) {
    EXPECT_EQ(text_line("client refused", {{"peer", "10.0.0.1:80"}, {"reason", "bad token"}}),
              "2026-01-31T23:59:59.123Z WARN  client refused peer=10.0.0.1:80 "
              "reason=\"bad token\"\n");
}

TEST(LogTextTest, WritesOneJsonObjectForCollectors) {
    EXPECT_EQ(json_line("client refused", {{"peer", "10.0.0.1:80"}, {"reason", "bad token"}}),
              R"({"ts":"2026-01-31T23:59:59.123Z","level":"warn","msg":"client refused",)"
              R"("peer":"10.0.0.1:80","reason":"bad token"})"
              "\n");
}

TEST(LogTextTest, WritesNumbersAndFlagsBare) {
    EXPECT_THAT(json_line("x",
                          {{"low", std::numeric_limits<std::int64_t>::min()},
                           {"high", std::numeric_limits<std::uint64_t>::max()},
                           {"small", std::uint8_t{7}},
                           {"part", 0.25},
                           {"is_new", true}}),
                HasSubstr(R"("low":-9223372036854775808,"high":18446744073709551615,"small":7,)"
                          R"("part":0.25,"is_new":true})"));
}

TEST(LogTextTest, WritesNullForWhatJsonHasNoNumberFor) {
    EXPECT_THAT(json_line("x",
                          {{"a", std::numeric_limits<double>::infinity()},
                           {"b", std::numeric_limits<double>::quiet_NaN()}}),
                HasSubstr(R"("a":null,"b":null})"));
}

TEST(LogTextTest, AValueCannotEndItsLine) {
    const std::string forged = "x\r\n2026-01-31T23:59:59.123Z ERROR forged";
    for (const std::string& line : {text_line("m", {{"a", forged}}),
                                    json_line("m", {{"a", forged}}),
                                    text_line(forged),
                                    json_line(forged)}) {
        EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
        EXPECT_THAT(line, Not(HasSubstr("\r")));
    }
}

TEST(LogTextTest, AValueCannotTalkToATerminal) {
    const std::string escape = "\x1b[2J\x07\x7f";
    EXPECT_THAT(text_line("m", {{"a", escape}}), HasSubstr(R"(a=\x1b[2J\x07\x7f)"));
    EXPECT_THAT(json_line("m", {{"a", escape}}), HasSubstr(R"("a":"\u001b[2J\u0007\u007f")"));
    // U+009B is a control sequence introducer of its own.
    EXPECT_THAT(text_line("m", {{"a", "\xc2\x9b"}}), HasSubstr(R"(a=\x9b)"));
    EXPECT_THAT(json_line("m", {{"a", "\xc2\x9b"}}), HasSubstr(R"("a":"\u009b")"));
}

TEST(LogTextTest, AValueCannotReorderALine) {
    EXPECT_THAT(text_line("m", {{"a", "\u202ex"}}), HasSubstr(R"(a=\u202ex)"));
    EXPECT_THAT(json_line("m", {{"a", "\u2028"}}), HasSubstr(R"("a":"\u2028")"));
}

TEST(LogTextTest, AValueCannotPoseAsAnotherField) {
    EXPECT_THAT(text_line("m", {{"a", "x b=y"}}), HasSubstr("a=\"x b=y\""));
    EXPECT_THAT(text_line("m", {{"a", "x\" b=y"}}), HasSubstr("a=\"x\\\" b=y\""));
    EXPECT_THAT(text_line("m", {{"a", ""}}), HasSubstr("a=\"\""));
    EXPECT_THAT(json_line("m", {{"a", "x\",\"b\":\"y"}}), HasSubstr(R"("a":"x\",\"b\":\"y")"));
}

TEST(LogTextTest, KeepsOrdinaryUnicode) {
    EXPECT_THAT(text_line("m", {{"a", "Grüße🎈"}}), HasSubstr("a=Grüße🎈"));
    EXPECT_THAT(json_line("m", {{"a", "Grüße🎈"}}), HasSubstr("\"a\":\"Grüße🎈\""));
}

TEST(LogTextTest, MarksBytesThatAreNoUtf8) {
    // A lone continuation, an overlong slash, a surrogate, a cut character, beyond U+10FFFF.
    for (const std::string bytes :
         {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x82", "\xf4\x90\x80\x80", "\xff"}) {
        const std::string line = json_line("m", {{"a", bytes}});
        EXPECT_THAT(line, HasSubstr("\"a\":\"\\ufffd"));
        EXPECT_THAT(line, Not(HasSubstr(bytes)));
    }
    EXPECT_THAT(text_line("m", {{"a", "x\x80y"}}), HasSubstr(R"(a=x\x80y)"));
}

TEST(LogTextTest, CutsLongValues) {
    const std::string line = text_line("m", {{"a", std::string(10'000, 'x')}, {"b", "kept"}});
    EXPECT_THAT(line, HasSubstr(std::string(kMaxValueBytes - 3, 'x') + "… b=kept"));
}

TEST(LogTextTest, DoesNotCutAValueOfTheGreatestLength) {
    const std::string value(kMaxValueBytes, 'x');
    EXPECT_THAT(text_line("m", {{"a", value}}), EndsWith("a=" + value + "\n"));
}

TEST(LogTextTest, NeverCutsWithinACharacterOrAnEscape) {
    for (std::size_t prefix = 0; prefix < 8; ++prefix) {
        const std::string start(prefix, 'x');
        std::string balloons = start;
        std::string escapes = start;
        for (int i = 0; i < 500; ++i) {
            balloons += "🎈";
            escapes += '\x01';
        }
        const std::string line = json_line("m", {{"a", balloons}, {"b", escapes}});
        EXPECT_THAT(line, HasSubstr("🎈…\""));
        EXPECT_THAT(line, HasSubstr("\\u0001…\""));
        EXPECT_THAT(line, Not(HasSubstr("\\ufffd")));
    }
}

TEST(LogTextTest, LeavesOutFieldsThatWouldMakeALineTooLong) {
    const std::string value(kMaxValueBytes, 'x');
    const std::string line = json_line(value,
                                       {{"a", value},
                                        {"b", value},
                                        {"c", value},
                                        {"d", value},
                                        {"e", value},
                                        {"f", value},
                                        {"g", value},
                                        {"h", value}});
    EXPECT_LE(line.size(), kMaxLineBytes);
    EXPECT_THAT(line, HasSubstr("\"f\":"));
    EXPECT_THAT(line, Not(HasSubstr("\"h\":")));
    EXPECT_THAT(line, EndsWith("\"}\n"));
}

}  // namespace
}  // namespace roomcast::log

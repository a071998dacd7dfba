// SPDX-License-Identifier: Apache-2.0
#include "codec/json_writer.hpp"

#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "codec/json.hpp"

namespace roomcast::json {
namespace {

std::string string_of(std::string_view text) {
    std::string out;
    append_string(out, text);
    return out;
}

TEST(JsonWriterTest, EscapesWhatRfc8259Demands) {
    EXPECT_EQ(string_of(""), R"("")");
    EXPECT_EQ(string_of("plain"), R"("plain")");
    EXPECT_EQ(string_of(R"(a"b\c/d)"), R"("a\"b\\c/d")");
    EXPECT_EQ(string_of("\b\f\n\r\t"), R"("\b\f\n\r\t")");
    EXPECT_EQ(string_of(std::string_view("\0\x01\x1f\x7f", 4)), "\"\\u0000\\u0001\\u001f\x7f\"");
    EXPECT_EQ(string_of("\xe2\x82\xac \xf0\x9f\x98\x80"), "\"\xe2\x82\xac \xf0\x9f\x98\x80\"");
}

TEST(JsonWriterTest, WritesTextThatReadsBackTheSame) {
    std::string every_character;
    for (char character = 0; character < 0x7f; ++character)
        every_character += character;
    const PaddedString document("{\"text\":" + string_of(every_character) + "}");
    const auto parsed = parse_object(document.text());
    ASSERT_TRUE(parsed);
    for (const Member& member : parsed->members()) {
        EXPECT_EQ(member.value.to_string(), every_character);
    }
}

TEST(JsonWriterTest, WritesIntegersOfAnySize) {
    std::string out;
    append_integer(out, std::numeric_limits<std::int64_t>::min());
    out += ' ';
    append_integer(out, 0);
    out += ' ';
    append_integer(out, std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(out, "-9223372036854775808 0 9223372036854775807");
}

TEST(JsonWriterTest, TurnsLineBreaksBetweenTokensIntoSpaces) {
    std::string out = "kept\n";
    append_one_line(out, "{\r\n\"a\\n\" : [1,\n2]}");
    EXPECT_EQ(out, "kept\n{  \"a\\n\" : [1, 2]}");
}

TEST(JsonWriterTest, WritesObjectsFieldByField) {
    std::string out;
    ObjectWriter object(out);
    object.string("a", "x\"").integer("b", -1).boolean("c", true).raw("d", "[1, 2]");
    ObjectWriter(object.key("e")).end();
    object.end();
    EXPECT_EQ(out, R"({"a":"x\"","b":-1,"c":true,"d":[1, 2],"e":{}})");
}

}  // namespace
}  // namespace roomcast::json

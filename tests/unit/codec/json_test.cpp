// SPDX-License-Identifier: Apache-2.0
#include "codec/json.hpp"

#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast::json {
namespace {

using testing::ElementsAre;

/// Where the text ends, and only padding behind it, which looks as if the text went on.
Outcome<Value, ParseError> parse_before(std::string_view text, std::string_view behind) {
    static std::string buffer;  // the values that are returned point into it
    buffer = text;
    buffer += behind;
    buffer.resize(std::max(buffer.size(), text.size() + kJsonPadding), ']');
    return parse_object(std::string_view(buffer).substr(0, text.size()));
}

/// As the value of a field, and within an array within an object.
std::vector<std::string> documents_with(std::string_view value) {
    const std::string text(value);
    return {"{\"a\":" + text + "}",
            "{ \"a\" :\t" + text + "\n}",
            "{\"a\":[0," + text + ",{\"b\":" + text + "}]}"};
}

TEST(JsonParseTest, TakesEveryKindOfValue) {
    for (const std::string_view value : {"null",
                                         "true",
                                         "false",
                                         "0",
                                         "-0",
                                         "7",
                                         "-12",
                                         "1.5",
                                         "0.25",
                                         "-0.0",
                                         "1e5",
                                         "1E+5",
                                         "1.5e-5",
                                         "0e0",
                                         "1e400",
                                         "99999999999999999999999999",
                                         "\"\"",
                                         "\"text\"",
                                         "[]",
                                         "[ ]",
                                         "[1,2]",
                                         "[[],[[]]]",
                                         "{}",
                                         "{ }",
                                         "{\"a\":{}}",
                                         "{\"a\":1,\"a\":2}",
                                         R"("\"\\\/\b\f\n\r\t")",
                                         R"("\u0041\u00e9\u20AC\ud83d\ude00")",
                                         R"("\uDBFF\uDFFF")",
                                         "\"\xe2\x82\xac\xf0\x9f\x98\x80\x7f\""}) {
        for (const std::string& document : documents_with(value)) {
            const auto parsed = parse_before(document, "");
            EXPECT_TRUE(parsed) << document << ": " << describe(parsed.error());
        }
    }
}

TEST(JsonParseTest, RefusesBrokenValuesWhereverTheyStand) {
    for (const std::string_view value : {"",
                                         "tru",
                                         "truE",
                                         "truee",
                                         "True",
                                         "nul",
                                         "nulll",
                                         "falsy",
                                         "NaN",
                                         "Infinity",
                                         "undefined",
                                         "-",
                                         "+1",
                                         "01",
                                         "-01",
                                         "00",
                                         "1.",
                                         ".5",
                                         "1.e5",
                                         "1e",
                                         "1e+",
                                         "1e5.5",
                                         "0x10",
                                         "1_000",
                                         "1 2",
                                         "--1",
                                         "'a'",
                                         "a",
                                         "\"\\q\"",
                                         "\"\\u12\"",
                                         "\"\\u12g4\"",
                                         "\"\\\"",
                                         "\"a",
                                         "\"\\x41\"",
                                         "\"\\U0041\"",
                                         "\"a\"b",
                                         "\"a\"\"b\"",
                                         "\"tab\there\"",
                                         "\"line\nbreak\"",
                                         "[",
                                         "]",
                                         "[1",
                                         "[1,",
                                         "[1,]",
                                         "[,1]",
                                         "[1,,2]",
                                         "[1 2]",
                                         "[1}",
                                         "[1:2]",
                                         "{",
                                         "}",
                                         "{\"a\"}",
                                         "{\"a\":}",
                                         "{\"a\":1,}",
                                         "{,}",
                                         "{\"a\":1 \"b\":2}",
                                         "{\"a\" 1}",
                                         "{a:1}",
                                         "{1:1}",
                                         "{\"a\":1]",
                                         "{\"a\":1,,\"b\":2}",
                                         "{\"a\"::1}",
                                         "/**/1",
                                         "1//"}) {
        for (const std::string& document : documents_with(value)) {
            EXPECT_FALSE(parse_before(document, "")) << document;
        }
    }
}

TEST(JsonParseTest, RefusesHalfSurrogatePairs) {
    for (const std::string_view text : {R"(\ud800)",
                                        R"(\udc00)",
                                        R"(\ud83dx)",
                                        R"(\ud83d\n)",
                                        R"(\ud83d\u0041)",
                                        R"(\ud83d\ud83d)",
                                        R"(\ude00\ud83d)"}) {
        for (const std::string& document : documents_with('"' + std::string(text) + '"')) {
            EXPECT_FALSE(parse_before(document, "")) << document;
        }
        EXPECT_FALSE(parse_before("{\"" + std::string(text) + "\":1}", "")) << text << " in a name";
    }
}

TEST(JsonParseTest, RefusesTextThatIsNotUtf8) {
    for (const std::string_view text : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82"}) {
        const auto parsed = parse_before("{\"a\":\"" + std::string(text) + "\"}", "");
        ASSERT_FALSE(parsed);
        EXPECT_EQ(parsed.error().problem, Problem::not_utf8);
    }
    EXPECT_FALSE(parse_before("\xef\xbb\xbf{}", "")) << "a byte order mark";
}

TEST(JsonParseTest, SaysWhatIsWrongAndWhere) {
    const auto problem = [](std::string_view text) {
        const auto parsed = parse_before(text, "");
        return parsed ? "fine" : describe(parsed.error());
    };
    EXPECT_EQ(problem(""), "there is no text");
    EXPECT_EQ(problem(" \r\n\t"), "there is no text");
    EXPECT_EQ(problem("[1]"), "it is not an object (at byte 0)");
    EXPECT_EQ(problem("  7"), "it is not an object (at byte 2)");
    EXPECT_EQ(problem("{\"a\":\"b}"), "a string is not closed (at byte 5)");
    EXPECT_EQ(problem("{\"a\":\"b\nc\"}"), "a string holds a raw control character (at byte 7)");
    EXPECT_EQ(problem("{\"a\":\"b\\c\"}"),
              "a string holds a wrong escape or half a surrogate pair (at byte 7)");
    EXPECT_EQ(problem("{\"a\":01}"), "a number is malformed (at byte 5)");
    EXPECT_EQ(problem("{\"a\":tru}"),
              "a bracket, quote, comma, colon or value is wrong or missing (at byte 5)");
    EXPECT_EQ(problem("{} {}"), "there is text behind the object (at byte 3)");
    EXPECT_EQ(problem("{\"a\":\"\xff\"}"), "the text is not UTF-8");
}

TEST(JsonParseTest, RefusesTextBehindTheDocumentButNotBlanks) {
    EXPECT_TRUE(parse_before(" \t\r\n{} \t\r\n", "{}"));
    for (const std::string_view text : {"{}x", "{} {}", "{}}", "{}]", "{},", "{}\"\"", "{}1"}) {
        EXPECT_FALSE(parse_before(text, "")) << text;
    }
    EXPECT_FALSE(parse_before(std::string_view("{}\0", 3), "")) << "a NUL";
}

TEST(JsonParseTest, NeverTakesWhatStandsBehindTheEndForText) {
    const std::string document = R"({"a":[1.5e3,true,"x\u0041"],"b":{"c":null}})";
    for (std::size_t size = 0; size < document.size(); ++size) {
        EXPECT_FALSE(parse_before(document.substr(0, size), document.substr(size))) << size;
    }
    EXPECT_TRUE(parse_before(document, "]}"));
}

TEST(JsonParseTest, ReadsNoFurtherThanThePadding) {
    for (const std::string_view text : {R"({"a)",
                                        R"({"a":"\)",
                                        R"({"a":"\ud83d)",
                                        R"({"a":"\ud83d\u)",
                                        R"({"a":1)",
                                        "{\"a\":t"}) {
        // An allocation of its own, so that AddressSanitizer sees its end.
        const auto exact = std::make_unique<char[]>(text.size() + kJsonPadding);
        std::memcpy(exact.get(), text.data(), text.size());
        std::memset(exact.get() + text.size(), 'a', kJsonPadding);
        EXPECT_FALSE(parse_object({exact.get(), text.size()})) << text;
    }
}

TEST(JsonParseTest, TakesAsManyLevelsAsAllowedAndNoMore) {
    const auto nested = [](std::size_t arrays) {
        return "{\"a\":" + std::string(arrays, '[') + std::string(arrays, ']') + "}";
    };
    EXPECT_TRUE(parse_before(nested(kMaxDepth - 1), ""));
    for (const std::size_t arrays : {kMaxDepth, std::size_t{30'000}}) {
        const auto parsed = parse_before(nested(arrays), "");
        ASSERT_FALSE(parsed);
        EXPECT_EQ(parsed.error().problem, Problem::too_deep);
    }
    std::string objects;
    for (int i = 0; i < 30'000; ++i)
        objects += "{\"a\":";
    EXPECT_EQ(parse_before(objects, "").error().problem, Problem::too_deep);
}

TEST(JsonParseTest, ReportsTheOutermostFieldsInOrderWithRepeats) {
    std::vector<std::string> fields;
    const PaddedString document(R"({ "a":1 , "b" : {"c":[2]},"a" :"x" })");
    ASSERT_TRUE(parse_object(document.text(), [&](const Member& member) {
        fields.push_back(*member.name.to_string() + '=' + std::string(member.value.raw()));
    }));
    EXPECT_THAT(fields, ElementsAre("a=1", "b={\"c\":[2]}", "a=\"x\""));
}

/// The value of the document's only field.
Value value_of(const PaddedString& document) {
    const auto parsed = parse_object(document.text());
    EXPECT_TRUE(parsed) << document.text();
    return (*parsed->members().begin()).value;
}

PaddedString wrapped(std::string_view value) {
    return PaddedString("{\"a\": " + std::string(value) + " }");
}

TEST(JsonValueTest, KnowsItsKindAndText) {
    const std::pair<std::string_view, Kind> kinds[] = {
        {"null", Kind::null},
        {"true", Kind::boolean},
        {"false", Kind::boolean},
        {"-1.5", Kind::number},
        {"0", Kind::number},
        {"\"a\\\"}\"", Kind::string},
        {"[1, 2]", Kind::array},
        {"{\"}\":\"{\"}", Kind::object},
        {"[\"]\", {\"a\\\\\":[[]]}, \"long enough for a word\"]", Kind::array},
    };
    for (const auto& [text, kind] : kinds) {
        const PaddedString document = wrapped(text);
        const Value value = value_of(document);
        EXPECT_EQ(value.kind(), kind) << text;
        EXPECT_EQ(value.raw(), text);
    }
    EXPECT_TRUE(Value().is_absent());
    EXPECT_FALSE(Value().is(Kind::null));
}

TEST(JsonValueTest, GivesIntegersOnlyWhereNothingIsLost) {
    const auto integer = [](std::string_view text) {
        const PaddedString document = wrapped(text);
        return value_of(document).to_integer();
    };
    EXPECT_EQ(integer("0"), 0);
    EXPECT_EQ(integer("-0"), 0);
    EXPECT_EQ(integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
    for (const std::string_view text :
         {"9223372036854775808", "1.0", "1e3", "\"1\"", "true", "null", "[1]"}) {
        EXPECT_EQ(integer(text), std::nullopt) << text;
    }
    EXPECT_EQ(Value().to_integer(), std::nullopt);
}

TEST(JsonValueTest, GivesDoublesThatCanBeHeld) {
    const auto number = [](std::string_view text) {
        const PaddedString document = wrapped(text);
        return value_of(document).to_double();
    };
    EXPECT_EQ(number("1620000000.5"), 1620000000.5);
    EXPECT_EQ(number("-2e3"), -2000);
    EXPECT_EQ(number("1e400"), std::nullopt);
    EXPECT_EQ(number("\"1\""), std::nullopt);
}

TEST(JsonValueTest, GivesBooleans) {
    const auto boolean = [](std::string_view text) {
        const PaddedString document = wrapped(text);
        return value_of(document).to_bool();
    };
    EXPECT_EQ(boolean("true"), true);
    EXPECT_EQ(boolean("false"), false);
    EXPECT_EQ(boolean("0"), std::nullopt);
    EXPECT_EQ(boolean("\"true\""), std::nullopt);
}

TEST(JsonValueTest, UnescapesStrings) {
    const auto text = [](std::string_view value) {
        const PaddedString document = wrapped(value);
        return value_of(document).to_string();
    };
    EXPECT_EQ(text(R"("")"), "");
    EXPECT_EQ(text(R"("plain")"), "plain");
    EXPECT_EQ(text(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
    EXPECT_EQ(text(R"("a\u0041\u00e9\u20AC\ud83d\ude00z")"),
              "aA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
    EXPECT_EQ(text(R"("\uDBFF\uDFFF\uFFFF\ud800\udc00")"),
              "\xf4\x8f\xbf\xbf\xef\xbf\xbf\xf0\x90\x80\x80");
    EXPECT_EQ(text(R"("\u0000")"), std::string(1, '\0'));
    EXPECT_EQ(text("7"), std::nullopt);
    EXPECT_EQ(text("null"), std::nullopt);
}

TEST(JsonValueTest, GivesViewsOfTheDocumentWhereNothingIsEscaped) {
    const PaddedString document(R"({"plain":"a","escaped":"\u0062"})");
    const auto parsed = parse_object(document.text());
    ASSERT_TRUE(parsed);
    std::string scratch;
    scratch.reserve(document.text().size());
    std::vector<std::string_view> views;
    for (const Member& member : parsed->members())
        views.push_back(*member.value.to_view(scratch));
    EXPECT_THAT(views, ElementsAre("a", "b"));
    EXPECT_EQ(scratch, "b");
}

TEST(JsonValueTest, WalksObjectsAndArrays) {
    const PaddedString document(
        R"({"events":[ {"channel":"a","payload":[{},{"x":"],}"}]} ,{ "channel" : "b" }, {} ]})");
    const Value events = value_of(document);
    std::vector<std::string> seen;
    for (const Value& event : events.elements()) {
        seen.emplace_back("event");
        for (const Member& member : event.members()) {
            seen.push_back(*member.name.to_string() + ' ' + std::string(member.value.raw()));
        }
    }
    EXPECT_THAT(seen,
                ElementsAre("event",
                            "channel \"a\"",
                            R"(payload [{},{"x":"],}"}])",
                            "event",
                            "channel \"b\"",
                            "event"));
    EXPECT_EQ(events.members().begin(), events.members().end()) << "an array has no fields";
    EXPECT_EQ(Value().elements().begin(), Value().elements().end());
}

}  // namespace
}  // namespace roomcast::json

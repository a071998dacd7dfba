// SPDX-License-Identifier: Apache-2.0
#include "app/dotenv.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast {
namespace {

using testing::ElementsAre;

std::vector<DotenvEntry> parse(std::string_view text) {
    const auto parsed = parse_dotenv(text);
    EXPECT_TRUE(parsed) << "line " << parsed.error().line << ": " << parsed.error().reason;
    return parsed ? *parsed : std::vector<DotenvEntry>();
}

TEST(DotenvTest, ReadsOneValueFromEachForm) {
    struct Row {
        std::string_view text;
        std::string value;
    };

    for (const Row& row : {
             Row{"A=b", "b"},
             Row{"A=b\n", "b"},
             Row{"A=b\r\n", "b"},
             Row{"  A = b \t ", "b"},
             Row{"export A=b", "b"},
             Row{"export\tA=b", "b"},
             Row{"\xef\xbb\xbf"
                 "A=b",
                 "b"},
             Row{"A=", ""},
             Row{"A=\n", ""},
             Row{"A=''", ""},
             Row{"A=\"\"", ""},
             Row{"A=b c", "b c"},
             Row{"A=b # comment", "b"},
             Row{"A=b\t# comment", "b"},
             Row{"A=b#c", "b#c"},
             Row{"A=# comment", ""},
             Row{"A=b=c==", "b=c=="},
             Row{"A=$HOME ${X} `id`", "$HOME ${X} `id`"},
             Row{"A=\\n", "\\n"},
             Row{"A=it's", "it's"},
             Row{"A='b # c'", "b # c"},
             Row{"A='b' # c", "b"},
             Row{"A='b\\n\"'", "b\\n\""},
             Row{"A='b\nc'", "b\nc"},
             Row{"A=\"b c\"", "b c"},
             Row{"A=\"b\\n\\r\\t\\\"\\\\\\$\"", "b\n\r\t\"\\$"},
             Row{"A=\"\\x\"", "\\x"},
             Row{"A=\"b\r\nc\"", "b\nc"},
             Row{"A=\"b\"#c", "b"},
         }) {
        EXPECT_THAT(parse(row.text), ElementsAre(DotenvEntry{"A", row.value, 1})) << row.text;
    }
}

TEST(DotenvTest, CountsLinesThroughCommentsAndLongValues) {
    EXPECT_THAT(
        parse("# comment\n\n  # another\nA=1\nB=\"x\ny\nz\"\r\n\r\nC=3"),
        ElementsAre(
            DotenvEntry{"A", "1", 4}, DotenvEntry{"B", "x\ny\nz", 5}, DotenvEntry{"C", "3", 9}));
}

TEST(DotenvTest, KeepsBothOfTwoValuesForOneName) {
    EXPECT_THAT(parse("A=1\nA=2\n"),
                ElementsAre(DotenvEntry{"A", "1", 1}, DotenvEntry{"A", "2", 2}));
}

TEST(DotenvTest, AVariableMayBeCalledExport) {
    EXPECT_THAT(parse("export=1\nexport =2\nexport export=3"),
                ElementsAre(DotenvEntry{"export", "1", 1},
                            DotenvEntry{"export", "2", 2},
                            DotenvEntry{"export", "3", 3}));
}

TEST(DotenvTest, ReadsNothingFromNothing) {
    for (const std::string_view text : {"", "\n", "   ", "# only a comment", "\r\n\r\n"}) {
        EXPECT_THAT(parse(text), testing::IsEmpty());
    }
}

TEST(DotenvTest, NamesTheLineThatItCannotRead) {
    using namespace std::string_view_literals;

    struct Row {
        std::string_view text;
        std::size_t line;
        std::string reason;
    };

    for (const Row& row : {
             Row{"A=1\nB"sv, 2, "expected NAME=value"},
             Row{"=1"sv, 1, "expected NAME=value"},
             Row{"1A=1"sv, 1, "expected NAME=value"},
             Row{"A-B=1"sv, 1, "expected NAME=value"},
             Row{"A: 1"sv, 1, "expected NAME=value"},
             Row{"export A"sv, 1, "expected NAME=value"},
             Row{"Ä=1"sv, 1, "expected NAME=value"},
             Row{"\n\nA='x\n\n"sv, 3, "a quote is not closed"},
             Row{"A=\"x\\\""sv, 1, "a quote is not closed"},
             Row{"A=\"x\\"sv, 1, "a quote is not closed"},
             Row{"A='x'y"sv, 1, "text behind the closing quote"},
             Row{"A=x\0y"sv, 1, "a NUL character"},
             Row{"A='x\0y'"sv, 1, "a NUL character"},
             Row{"B=1\nA=\"x\\\0\""sv, 2, "a NUL character"},
             Row{"\n\n# \0"sv, 3, "a NUL character"},
         }) {
        const auto parsed = parse_dotenv(row.text);
        ASSERT_FALSE(parsed) << row.text;
        EXPECT_EQ(parsed.error().line, row.line) << row.text;
        EXPECT_EQ(parsed.error().reason, row.reason) << row.text;
    }
}

}  // namespace
}  // namespace roomcast

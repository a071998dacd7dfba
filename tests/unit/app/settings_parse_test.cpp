// SPDX-License-Identifier: Apache-2.0
#include "app/settings_parse.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

TEST(ParseWholeNumberTest, TakesDigitsWithinTheBounds) {
    EXPECT_THAT(parse_whole_number("0", 0, 10), Optional(0));
    EXPECT_THAT(parse_whole_number("10", 0, 10), Optional(10));
    EXPECT_THAT(parse_whole_number("007", 0, 10), Optional(7));
}

TEST(ParseWholeNumberTest, RefusesEverythingElse) {
    for (const std::string text : {"",
                                   " 1",
                                   "1 ",
                                   "+1",
                                   "-1",
                                   "-0",
                                   "1.0",
                                   "1e1",
                                   "0x1",
                                   "1k",
                                   "one",
                                   "11",
                                   "99999999999999999999"}) {
        EXPECT_EQ(parse_whole_number(text, 0, 10), std::nullopt) << text;
    }
    EXPECT_EQ(parse_whole_number("4", 5, 10), std::nullopt);
}

TEST(ParseFlagTest, TakesTheUsualWordsInAnyCase) {
    for (const std::string text : {"true", "TRUE", "1", "yes", "On"}) {
        EXPECT_THAT(parse_flag(text), Optional(true)) << text;
    }
    for (const std::string text : {"false", "False", "0", "no", "OFF"}) {
        EXPECT_THAT(parse_flag(text), Optional(false)) << text;
    }
    for (const std::string text : {"", "2", "truee", "y"})
        EXPECT_EQ(parse_flag(text), std::nullopt);
}

TEST(ParseListenAddressTest, TakesTheDocumentedForms) {
    struct Row {
        std::string text;
        ListenAddress address;
    };

    for (const Row& row : {Row{":8080", {"", 8080}},
                           Row{":0", {"", 0}},
                           Row{"127.0.0.1:1", {"127.0.0.1", 1}},
                           Row{"localhost:65535", {"localhost", 65535}},
                           Row{"[::1]:80", {"::1", 80}},
                           Row{"[::]:80", {"::", 80}},
                           Row{"my_host.example-1.org:80", {"my_host.example-1.org", 80}}}) {
        const auto parsed = parse_listen_address(row.text);
        ASSERT_TRUE(parsed) << row.text;
        EXPECT_EQ(*parsed, row.address) << row.text;
        EXPECT_EQ(parsed->text(), row.text);
    }
}

TEST(ParseListenAddressTest, RefusesEverythingElse) {
    for (const std::string text : {"",
                                   "8080",
                                   ":",
                                   ":65536",
                                   ":-1",
                                   ":80a",
                                   "::1:80",
                                   "[::1]",
                                   "[::1]80",
                                   "[]:80",
                                   "[x]:80",
                                   "[127.0.0.1]:80",
                                   "*:80",
                                   "a b:80",
                                   "http://a:80",
                                   "[::1:80",
                                   "/tmp/socket:80"}) {
        EXPECT_FALSE(parse_listen_address(text)) << text;
    }
}

TEST(SplitListTest, CutsBlanksAndLeavesOutEmptyEntries) {
    EXPECT_THAT(split_list(" a ,,b\t, c c ,"), ElementsAre("a", "b", "c c"));
    EXPECT_THAT(split_list(" , "), IsEmpty());
}

TEST(IsHttpUrlTest, TakesAbsoluteUrls) {
    for (const std::string text : {"http://a",
                                   "https://a.example/b?c=d",
                                   "https://[::1]:8443/",
                                   "http://127.0.0.1:8080",
                                   "https://a?b"}) {
        EXPECT_TRUE(is_http_url(text)) << text;
    }
}

TEST(IsHttpUrlTest, RefusesEverythingElse) {
    for (const std::string text : {"",
                                   "a",
                                   "//a",
                                   "ftp://a",
                                   "http://",
                                   "https:///b",
                                   "https://user:pass@a/",
                                   "https://a/b c",
                                   "https://a/\n",
                                   "https://a/#b",
                                   "https://a:0/",
                                   "https://a:x/",
                                   "/readyz"}) {
        EXPECT_FALSE(is_http_url(text)) << text;
    }
}

TEST(IsCookieNameTest, TakesTokensOnly) {
    EXPECT_TRUE(is_cookie_name("__Host-token"));
    for (const std::string text : {"", "a b", "a=b", "a;b", "ä", "a\n"}) {
        EXPECT_FALSE(is_cookie_name(text)) << text;
    }
}

TEST(IsPlainTextTest, RefusesControlCharacters) {
    EXPECT_TRUE(is_plain_text("node 1 ä"));
    for (const std::string text : {"", "a\nb", "a\x1b", "a\x7f"})
        EXPECT_FALSE(is_plain_text(text));
}

}  // namespace
}  // namespace roomcast

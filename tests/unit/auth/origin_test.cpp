// SPDX-License-Identifier: Apache-2.0
#include "auth/origin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast {
namespace {

using testing::HasSubstr;

OriginList make_list(std::string_view text) {
    auto list = OriginList::parse(text);
    EXPECT_TRUE(list) << text;
    return std::move(*list);
}

TEST(OriginTest, SchemeHostAndPortMustBeThoseOfAnEntry) {
    const OriginList list = make_list("https://app.example, http://localhost:3000");
    EXPECT_TRUE(list.allows("https://app.example"));
    EXPECT_TRUE(list.allows("http://localhost:3000"));
    for (const char* origin : {"http://app.example",
                               "https://app.example:8443",
                               "https://app.example.evil.example",
                               "https://evilapp.example",
                               "https://xapp.example",
                               "http://localhost",
                               "http://localhost:30000",
                               "http://localhost:3000/",
                               "https://app.example@evil.example",
                               "https://app.example#",
                               "app.example",
                               "://app.example",
                               "https://",
                               "https://app.example:",
                               "https://app.example:99999999999999999999",
                               ""}) {
        EXPECT_FALSE(list.allows(origin)) << origin;
    }
}

TEST(OriginTest, CaseOfSchemeAndHostDoesNotMatter) {
    EXPECT_TRUE(make_list("HTTPS://App.Example").allows("https://app.example"));
    EXPECT_TRUE(make_list("https://app.example").allows("https://APP.example"));
}

TEST(OriginTest, DefaultPortMayBeWrittenOrLeftOut) {
    EXPECT_TRUE(make_list("https://app.example:443").allows("https://app.example"));
    EXPECT_TRUE(make_list("http://app.example").allows("http://app.example:80"));
    EXPECT_FALSE(make_list("http://app.example").allows("http://app.example:443"));
}

TEST(OriginTest, AddressInBracketsIsAHost) {
    EXPECT_TRUE(make_list("http://[::1]:8080").allows("http://[::1]:8080"));
    EXPECT_FALSE(make_list("http://[::1]").allows("http://[::1]:8080"));
}

TEST(OriginTest, SchemeOfABrowserExtensionIsAScheme) {
    EXPECT_TRUE(make_list("chrome-extension://abcdef").allows("chrome-extension://abcdef"));
}

TEST(OriginTest, NullMatchesNoEntry) {
    EXPECT_FALSE(make_list("https://app.example").allows("null"));
    EXPECT_FALSE(OriginList::parse("null"));
}

TEST(OriginTest, PeerWithoutOriginIsNoBrowser) {
    EXPECT_TRUE(make_list("https://app.example").allows(std::nullopt));
}

TEST(OriginTest, StarTurnsTheCheckOff) {
    const OriginList list = make_list("https://app.example,*");
    EXPECT_TRUE(list.allows_any());
    EXPECT_TRUE(list.allows("http://anything.example"));
    EXPECT_TRUE(list.allows("null"));
    EXPECT_FALSE(make_list("https://app.example").allows_any());
}

TEST(OriginTest, ListOfEntriesIsReadLikeItsText) {
    const auto list = OriginList::make({"https://a.example", "https://b.example"});
    ASSERT_TRUE(list);
    EXPECT_TRUE(list->allows("https://b.example"));
    EXPECT_FALSE(list->allows("https://c.example"));
}

TEST(OriginTest, ErrorNamesTheEntryThatIsNoOrigin) {
    for (const char* entry : {"app.example",
                              "https://app.example/",
                              "https://app.example/path",
                              "https://*.example",
                              "https://app.example:port",
                              "https://a b"}) {
        const auto list = OriginList::parse(std::string("https://ok.example,") + entry);
        ASSERT_FALSE(list) << entry;
        EXPECT_THAT(list.error(), HasSubstr(entry));
    }
    EXPECT_FALSE(OriginList::parse(""));
}

}  // namespace
}  // namespace roomcast

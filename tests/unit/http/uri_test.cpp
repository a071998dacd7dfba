// SPDX-License-Identifier: Apache-2.0
#include "http/uri.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast::http {
namespace {

using testing::Eq;
using testing::Optional;

TEST(DecodePathPartTest, DecodesOnceAndKeepsPlus) {
    EXPECT_THAT(decode_path_part("a%2Fb"), Optional(Eq("a/b")));
    EXPECT_THAT(decode_path_part("%2525"), Optional(Eq("%25")));
    EXPECT_THAT(decode_path_part("a+b"), Optional(Eq("a+b")));
    EXPECT_THAT(decode_path_part("M%c3%BCnchen"), Optional(Eq("M\xc3\xbcnchen")));
    EXPECT_THAT(decode_path_part("M\xc3\xbcnchen"), Optional(Eq("M\xc3\xbcnchen")));
}

TEST(DecodePathPartTest, RefusesWhatIsNoEncodingOrNoText) {
    for (const char* part :
         {"%", "%4", "a%", "%zz", "%4g", "%+1", "%ff", "%c3", "\xc3", "%ed%a0%80"}) {
        EXPECT_EQ(decode_path_part(part), std::nullopt) << part;
    }
}

TEST(QueryTest, ReadsPlusesAmpersandsAndEmptyParts) {
    const auto query = Query::parse("a=1+2&&b=%26%3D&c&d=x=y&=z&a=3");
    ASSERT_TRUE(query);
    EXPECT_EQ(*query->find("a"), "1 2");
    EXPECT_EQ(*query->find("b"), "&=");
    EXPECT_EQ(*query->find("c"), "");
    EXPECT_EQ(*query->find("d"), "x=y");
    EXPECT_EQ(*query->find(""), "z");
    EXPECT_EQ(query->find("e"), nullptr);
}

TEST(QueryTest, RefusesANameOrValueThatCannotBeDecoded) {
    EXPECT_FALSE(Query::parse("a=%"));
    EXPECT_FALSE(Query::parse("%zz=1"));
    EXPECT_FALSE(Query::parse("ok=1&a=%ff"));
    EXPECT_TRUE(Query::parse(""));
}

}  // namespace
}  // namespace roomcast::http

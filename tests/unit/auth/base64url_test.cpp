// SPDX-License-Identifier: Apache-2.0
#include "auth/base64url.hpp"

#include <string>

#include <gtest/gtest.h>

namespace roomcast {
namespace {

TEST(Base64UrlTest, ReadsTheVectorsOfRfc4648) {
    EXPECT_EQ(decode_base64url(""), "");
    EXPECT_EQ(decode_base64url("Zg"), "f");
    EXPECT_EQ(decode_base64url("Zm8"), "fo");
    EXPECT_EQ(decode_base64url("Zm9v"), "foo");
    EXPECT_EQ(decode_base64url("Zm9vYmFy"), "foobar");
    EXPECT_EQ(decode_base64url("-_8"), "\xfb\xff");
}

TEST(Base64UrlTest, GivesBackEveryByteAtEveryPlace) {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) {
        bytes.push_back(static_cast<char>(byte));
        EXPECT_EQ(decode_base64url(encode_base64url(bytes)), bytes) << byte;
    }
}

TEST(Base64UrlTest, WritesWithoutPadding) {
    EXPECT_EQ(encode_base64url(""), "");
    EXPECT_EQ(encode_base64url("f"), "Zg");
    EXPECT_EQ(encode_base64url("fo"), "Zm8");
    EXPECT_EQ(encode_base64url("\xfb\xff\xfe"), "-__-");
}

TEST(Base64UrlTest, RefusesOtherAlphabetsPaddingAndBlanks) {
    for (const char* text : {"Zg==", "+/8", "Zm 9", "Zm9v\n", "Zm9.", "Zm\xc3\xa9"}) {
        EXPECT_EQ(decode_base64url(text), std::nullopt) << text;
    }
    EXPECT_EQ(decode_base64url(std::string_view("Zm9v\0Zm9", 8)), std::nullopt);
}

TEST(Base64UrlTest, RefusesLengthsThatNoBytesHave) {
    EXPECT_EQ(decode_base64url("A"), std::nullopt);
    EXPECT_EQ(decode_base64url("Zm9vA"), std::nullopt);
}

TEST(Base64UrlTest, RefusesBitsBehindTheLastByte) {
    EXPECT_EQ(decode_base64url("Zh"), std::nullopt);
    EXPECT_EQ(decode_base64url("Zm9"), std::nullopt);
}

}  // namespace
}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "codec/utf8.hpp"
#include "codec/websocket.hpp"

namespace roomcast::websocket {
namespace {

using namespace std::string_literals;

TEST(WebSocketWriterTest, WritesLengthsInTheirShortestForm) {
    const auto header = [](std::size_t size) {
        return std::string(encode_header(Opcode::text, size).bytes());
    };
    EXPECT_EQ(header(0), "\x81\x00"s);
    EXPECT_EQ(header(125), "\x81\x7d"s);
    EXPECT_EQ(header(126), "\x81\x7e\x00\x7e"s);
    EXPECT_EQ(header(65'535), "\x81\x7e\xff\xff"s);
    EXPECT_EQ(header(65'536), "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
    EXPECT_EQ(encode_header(Opcode::binary, 1).bytes(), "\x82\x01"s);
    EXPECT_EQ(encode_header(Opcode::text, 1, Form::deflated).bytes(), "\xc1\x01"s);
}

TEST(WebSocketWriterTest, WritesControlFrames) {
    EXPECT_EQ(encode_ping(""), "\x89\x00"s);
    EXPECT_EQ(encode_pong("abc"),
              "\x8a\x03"
              "abc"s);
    EXPECT_EQ(encode_close(), "\x88\x00"s);
    EXPECT_EQ(encode_close(1001, "bye"),
              "\x88\x05\x03\xe9"
              "bye"s);
}

TEST(WebSocketWriterTest, CutsALongReasonBetweenTwoCharacters) {
    EXPECT_EQ(encode_close(1000, std::string(123, 'r')).size(), 2 + 2 + 123u);
    EXPECT_EQ(encode_close(1000, std::string(500, 'r')).size(), 2 + 2 + 123u);
    for (std::size_t before = 118; before < 124; ++before) {
        const std::string reason = std::string(before, 'r') + "\xf0\x9f\x98\x80\xf0\x9f\x98\x80";
        const std::string frame = encode_close(1000, reason);
        const std::string_view sent = std::string_view(frame).substr(4);
        EXPECT_TRUE(is_valid_utf8(sent)) << before;
        EXPECT_EQ(sent.size(), before <= 119 ? before + 4 : before) << before;
    }
}

TEST(WebSocketHandshakeTest, ComputesTheAcceptValueOfTheRfc) {
    EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocketHandshakeTest, TakesKeysOfSixteenBytesOnly) {
    EXPECT_TRUE(is_valid_client_key("dGhlIHNhbXBsZSBub25jZQ=="));
    EXPECT_TRUE(is_valid_client_key("++++////AAAAzzzz0000AA=="));
    EXPECT_FALSE(is_valid_client_key(""));
    EXPECT_FALSE(is_valid_client_key("dGhlIHNhbXBsZSBub25jZQ="));
    EXPECT_FALSE(is_valid_client_key("dGhlIHNhbXBsZSBub25jZQ==="));
    EXPECT_FALSE(is_valid_client_key("dGhlIHNhbXBsZSBub25jZQAA"));
    EXPECT_FALSE(is_valid_client_key("dGhlIHNhbXBsZSBub25jZ==="));
    EXPECT_FALSE(is_valid_client_key("dGhlIHNhbXBsZSBub25j-Q=="));
    EXPECT_FALSE(is_valid_client_key("dGhlIHNhbXBsZSBub25 ZQ=="));
}

}  // namespace
}  // namespace roomcast::websocket

// SPDX-License-Identifier: Apache-2.0
// Compressed messages (RFC 7692, sections 6 and 7.2), made by zlib itself in many ways.
#include "codec/websocket_deflate.hpp"

#include <random>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/unit/codec/client_frames.hpp"
#include "tests/unit/codec/reader_feeder.hpp"

namespace roomcast::websocket {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;

constexpr std::uint8_t kContinuation = 0x0;
constexpr std::uint8_t kText = 0x1;
constexpr std::uint8_t kBinary = 0x2;
constexpr std::uint8_t kPing = 0x9;
constexpr FrameShape kDeflated{.reserved_bits = 0x40};
constexpr FrameShape kDeflatedMore{.is_final = false, .reserved_bits = 0x40};
constexpr FrameShape kMore{.is_final = false};

/// Section 7.2.3.1.
const std::string kHello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;

/// The payload that a client makes of `text`.
std::string deflated(std::string_view text, int level = 6, int window_bits = 15) {
    z_stream stream = {};
    deflateInit2(&stream, level, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY);
    std::string payload(deflateBound(&stream, text.size()) + 16, '\0');
    std::string input(text);
    stream.next_in = reinterpret_cast<Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(payload.data());
    stream.avail_out = static_cast<uInt>(payload.size());
    EXPECT_EQ(deflate(&stream, Z_SYNC_FLUSH), Z_OK);
    payload.resize(payload.size() - stream.avail_out - 4);
    deflateEnd(&stream);
    return payload;
}

/// Digits and words, as random as `symbols` allows.
std::string some_text(std::size_t size, unsigned symbols = 20) {
    std::mt19937 random(static_cast<unsigned>(size));
    std::string text;
    while (text.size() < size)
        text += static_cast<char>('a' + random() % symbols);
    return text;
}

std::string inflated(std::string_view payload, std::size_t most_bytes = 70'000) {
    Inflater inflater;
    const auto text = inflater.inflate(payload, most_bytes);
    if (text) return std::string(*text);
    return text.error() == InflateError::broken ? "broken" : "too long";
}

TEST(InflaterTest, ReadsTheExamplesOfTheRfc) {
    EXPECT_EQ(inflated(kHello), "Hello");
    EXPECT_EQ(inflated("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s), "Hello") << "7.2.3.3";
    EXPECT_EQ(inflated("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s), "Hello") << "7.2.3.4";
    EXPECT_EQ(inflated("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s), "Hello")
        << "7.2.3.5";
    EXPECT_EQ(inflated("\x00"s), "") << "7.2.3.6";
}

TEST(InflaterTest, TakesAFinalBlockWithoutAnEmptyOneBehindIt) {
    EXPECT_EQ(inflated("\xf3\x48\xcd\xc9\xc9\x07\x00"s), "Hello");
    EXPECT_EQ(inflated("\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s),
              "HelloHello");
}

TEST(InflaterTest, ReadsEveryLevelAndWindowOfZlib) {
    for (const std::size_t size : {0U, 1U, 300U, 4'095U, 4'096U, 4'097U, 70'000U}) {
        for (const unsigned symbols : {1U, 20U}) {
            const std::string text = some_text(size, symbols);
            for (const int level : {0, 1, 6, 9}) {
                EXPECT_EQ(inflated(deflated(text, level)), text) << size << ' ' << level;
            }
            for (const int window_bits : {9, 12, 15}) {
                EXPECT_EQ(inflated(deflated(text, 6, window_bits)), text) << window_bits;
            }
        }
    }
}

TEST(InflaterTest, StopsAtTheLimit) {
    const std::string text = some_text(5'000);
    EXPECT_EQ(inflated(deflated(text), 5'000), text);
    EXPECT_EQ(inflated(deflated(text), 4'999), "too long");
    EXPECT_EQ(inflated(deflated(std::string(64 << 20, 'x'), 9)), "too long");
    EXPECT_EQ(inflated(deflated("a"), 0), "too long");
    EXPECT_EQ(inflated(deflated(""), 0), "");
}

TEST(InflaterTest, RefusesWhatIsNoDeflate) {
    EXPECT_EQ(inflated(""), "broken") << "an empty message has a block too";
    EXPECT_EQ(inflated("\x07"s), "broken") << "a block of the reserved kind";
    EXPECT_EQ(inflated("\x00\x05\x00\x00\x00Hello"s), "broken") << "a length and no complement";
    EXPECT_EQ(inflated("\x02\x02\x00\x00"s), "broken") << "refers to before the message";
    const std::string payload = deflated(some_text(1'000));
    for (std::size_t size = 0; size < payload.size(); ++size) {
        EXPECT_EQ(inflated(payload.substr(0, size)), "broken") << size;
    }
}

TEST(InflaterTest, ForgetsTheMessageBefore) {
    Inflater inflater;
    (void)inflater.inflate(deflated(some_text(40'000)), 70'000);
    EXPECT_FALSE(inflater.inflate("\x02\x02\x00\x00"s, 70'000)) << "refers to the message before";
    (void)inflater.inflate("\x07"s, 70'000);
    (void)inflater.inflate(deflated(some_text(40'000)), 100);
    EXPECT_EQ(*inflater.inflate(kHello, 70'000), "Hello");
}

TEST(DeflaterTest, MakesWhatAnInflaterReads) {
    Deflater deflater;
    Inflater inflater;
    for (const std::size_t size : {100U, 300U, 1'000U, 65'536U, 300'000U, 100U}) {
        const std::string text = some_text(size, 4);
        const auto payload = deflater.deflate(text);
        ASSERT_TRUE(payload) << size;
        EXPECT_LT(payload->size(), size);
        EXPECT_EQ(*inflater.inflate(*payload, size), text);
    }
}

TEST(DeflaterTest, GivesNothingThatIsNotShorter) {
    Deflater deflater;
    std::mt19937 random(1);
    std::string noise;
    while (noise.size() < 5'000)
        noise += static_cast<char>(random());
    EXPECT_FALSE(deflater.deflate(noise));
    EXPECT_FALSE(deflater.deflate(""));
    EXPECT_FALSE(deflater.deflate("a"));
    EXPECT_TRUE(deflater.deflate(std::string(100, 'a'))) << "and goes on";
}

TEST(DeflaterTest, CanBeReadWithAWindowAsLargeAsTheText) {
    Deflater deflater;
    for (int window_bits = 9; window_bits <= 15; ++window_bits) {
        const std::string half = some_text(std::size_t{1} << (window_bits - 1));
        const auto payload = deflater.deflate(half + half);
        ASSERT_TRUE(payload);
        z_stream stream = {};
        ASSERT_EQ(inflateInit2(&stream, -window_bits), Z_OK);
        std::string input(*payload);
        std::string text;
        // In small steps: zlib checks distances against its window only across calls.
        stream.next_in = reinterpret_cast<Bytef*>(input.data());
        stream.avail_in = static_cast<uInt>(input.size());
        while (text.size() < 2 * half.size()) {
            char piece[100];
            stream.next_out = reinterpret_cast<Bytef*>(piece);
            stream.avail_out = sizeof piece;
            ASSERT_EQ(inflate(&stream, Z_SYNC_FLUSH), Z_OK) << stream.msg;
            text.append(piece, sizeof piece - stream.avail_out);
        }
        inflateEnd(&stream);
        EXPECT_EQ(text, half + half) << window_bits;
    }
}

class DeflatedReaderTest : public testing::Test {
protected:
    std::vector<std::string> read(std::string_view bytes, std::size_t piece_bytes = 0) {
        const ReaderLimits limits{.message_bytes = 70'000, .fragments = 5, .inflater = &inflater_};
        Feeder feeder(limits);
        const std::size_t step = piece_bytes == 0 ? bytes.size() : piece_bytes;
        for (std::size_t at = 0; at < bytes.size(); at += step)
            feeder.feed(bytes.substr(at, step));
        return feeder.events();
    }

    /// The same events come, however the bytes are cut.
    void expect(const std::string& bytes, const std::vector<std::string>& events) {
        EXPECT_EQ(read(bytes), events);
        EXPECT_EQ(read(bytes, 1), events) << "byte by byte";
        std::mt19937 random(7);
        for (int i = 0; i < 20; ++i) {
            EXPECT_EQ(read(bytes, 1 + random() % bytes.size()), events) << "try " << i;
        }
    }

    Inflater inflater_;
};

TEST_F(DeflatedReaderTest, ReadsCompressedAndPlainMessages) {
    expect(client_frame(kText, kHello, kDeflated) + client_frame(kText, "plain") +
               client_frame(kBinary, deflated("\xff\xfe"), kDeflated) +
               client_frame(kText, "\x00"s, kDeflated) +
               client_frame(kText, deflated(some_text(60'000)), kDeflated),
           {"text Hello", "text plain", "binary \xff\xfe", "text ", "text 60000 bytes"});
}

TEST_F(DeflatedReaderTest, ReadsFragmentsWithControlFramesBetween) {
    expect(client_frame(kText, kHello.substr(0, 3), kDeflatedMore) + client_frame(kPing, "in") +
               client_frame(kContinuation, "", kMore) +
               client_frame(kContinuation, kHello.substr(3, 2), kMore) +
               client_frame(kContinuation, kHello.substr(5)) + client_frame(kText, "pl", kMore) +
               client_frame(kContinuation, "ain"),
           {"ping in", "text Hello", "text plain"});
}

TEST_F(DeflatedReaderTest, RefusesTheBitWhereItDoesNotBelong) {
    for (const std::uint8_t opcode : {kPing, std::uint8_t{0x8}, std::uint8_t{0xa}}) {
        expect(client_frame(opcode, "", kDeflated), {"error 1002"});
    }
    expect(client_frame(kText, kHello.substr(0, 3), kDeflatedMore) +
               client_frame(kContinuation, kHello.substr(3), kDeflated),
           {"error 1002"});
    expect(client_frame(kText, "a", kMore) + client_frame(kContinuation, "b", kDeflated),
           {"error 1002"});
    for (const unsigned bits : {0x20U, 0x10U, 0x60U, 0x50U, 0x70U}) {
        expect(client_frame(kText, kHello, {.reserved_bits = static_cast<std::uint8_t>(bits)}),
               {"error 1002"});
    }
}

TEST_F(DeflatedReaderTest, RefusesTheBitWithoutAnAgreement) {
    Feeder feeder(kLimits);
    feeder.feed(client_frame(kText, kHello, kDeflated));
    EXPECT_THAT(feeder.events(), ElementsAre("error 1002"));
}

TEST_F(DeflatedReaderTest, ChecksTheTextThatComesOut) {
    expect(client_frame(kText, deflated("ab\xff"), kDeflated), {"error 1007"});
    expect(client_frame(kText, deflated("\xf0\x9f\x98"), kDeflated), {"error 1007"});
    expect(client_frame(kText, deflated("\xf0\x9f\x98\x80"), kDeflated), {"text \xf0\x9f\x98\x80"});
}

TEST_F(DeflatedReaderTest, RefusesBrokenDataAndIgnoresWhatFollows) {
    expect(client_frame(kText, "", kDeflated) + client_frame(kText, "more"), {"error 1007"});
    expect(client_frame(kText, "\x07"s, kDeflated), {"error 1007"});
    expect(client_frame(kText, kHello.substr(0, 4), kDeflated), {"error 1007"});
}

TEST_F(DeflatedReaderTest, RefusesBombs) {
    expect(client_frame(kText, deflated(std::string(70'001, 'x')), kDeflated), {"error 1009"});
    const std::string bomb = deflated(std::string(32 << 20, 'x'), 9);
    ASSERT_LT(bomb.size(), 70'000U);
    EXPECT_THAT(read(client_frame(kText, bomb, kDeflated)), ElementsAre("error 1009"));
    const std::size_t half = bomb.size() / 2;
    EXPECT_THAT(read(client_frame(kText, bomb.substr(0, half), kDeflatedMore) +
                     client_frame(kContinuation, bomb.substr(half))),
                ElementsAre("error 1009"));
}

TEST_F(DeflatedReaderTest, TakesAMessageOfTheLimitThatCompressionMadeLonger) {
    const std::string longer = deflated(std::string(70'000, 'x'), 0);
    ASSERT_GT(longer.size(), 70'000U);
    expect(client_frame(kText, longer, kDeflated), {"text 70000 bytes"});
    expect(client_frame(kText, longer.substr(0, 69'000), kDeflatedMore) +
               client_frame(kContinuation, longer.substr(69'000)),
           {"text 70000 bytes"});
    Feeder plain(kLimits);
    plain.feed(client_frame(kText, std::string(70'001, 'x')));
    EXPECT_THAT(plain.events(), ElementsAre("error 1009"));
    EXPECT_THAT(read(client_frame(kText, "", {.reserved_bits = 0x40, .announced_length = 80'000})),
                ElementsAre("error 1009"));
}

}  // namespace
}  // namespace roomcast::websocket

// SPDX-License-Identifier: Apache-2.0
// RESP3 replies, each read in one piece, in two pieces cut at every position, and byte by byte: the
// values must be the same. Commands are read back by the reader.
#include "codec/resp.hpp"

#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast::resp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr ReaderLimits kLimits{.text_bytes = 100, .total_bytes = 4'000, .items = 20, .depth = 4};

std::string describe(const Value& value);

std::string describe_items(std::string name, const Value& value) {
    std::string text = std::move(name) + "(";
    for (const Value& item : value.items)
        text += (&item == &value.items.front() ? "" : " ") + describe(item);
    return text + ")";
}

std::string describe(const Value& value) {
    switch (value.kind) {
        case Kind::null:
            return "null";
        case Kind::string:
            return "'" + value.text + "'";
        case Kind::error:
            return "error '" + value.text + "'";
        case Kind::integer:
            return std::to_string(value.integer);
        case Kind::number:
            return "number " + value.text;
        case Kind::boolean:
            return value.integer != 0 ? "true" : "false";
        case Kind::array:
            return describe_items("array", value);
        case Kind::set:
            return describe_items("set", value);
        case Kind::map:
            return describe_items("map", value);
        case Kind::push:
            return describe_items("push", value);
    }
    return "no kind";
}

class Feeder {
public:
    explicit Feeder(ReaderLimits limits = kLimits) : reader_(limits) {}

    void feed(std::string_view piece) {
        reader_.feed(piece);
        while (true) {
            auto reply = reader_.next();
            if (!reply) {
                if (!is_failed_) replies_.push_back("broken: " + reply.error());
                is_failed_ = true;
                return;
            }
            const std::optional<Value>& value = *reply;
            if (!value) return;
            replies_.push_back(describe(*value));
        }
    }

    [[nodiscard]] const std::vector<std::string>& replies() const { return replies_; }

private:
    Reader reader_;
    bool is_failed_ = false;
    std::vector<std::string> replies_;
};

/// What `bytes` say, checked to be the same however they are cut.
std::vector<std::string> read(std::string_view bytes, ReaderLimits limits = kLimits) {
    Feeder at_once(limits);
    at_once.feed(bytes);
    Feeder byte_by_byte(limits);
    for (const char byte : bytes)
        byte_by_byte.feed({&byte, 1});
    EXPECT_EQ(byte_by_byte.replies(), at_once.replies()) << "byte by byte: " << bytes;
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        Feeder in_two(limits);
        in_two.feed(bytes.substr(0, cut));
        in_two.feed(bytes.substr(cut));
        EXPECT_EQ(in_two.replies(), at_once.replies()) << "cut at " << cut << ": " << bytes;
    }
    return at_once.replies();
}

/// The reply that must be there.
Value take_reply(Reader& reader) {
    auto reply = reader.next();
    if (reply.has_value()) {
        std::optional<Value>& value = *reply;
        if (value) return *std::move(value);
    }
    ADD_FAILURE() << (reply.has_error() ? reply.error() : "no whole reply");
    return {};
}

Value read_one(std::string_view bytes) {
    Reader reader;
    reader.feed(bytes);
    return take_reply(reader);
}

struct Case {
    std::string_view bytes;
    std::string_view reply;
};

using std::string_view_literals::operator""sv;

TEST(RespReaderTest, ReadsEveryType) {
    const Case cases[] = {
        {"+OK\r\n", "'OK'"},
        {"+\r\n", "''"},
        {"-MOVED 3999 127.0.0.1:6381\r\n", "error 'MOVED 3999 127.0.0.1:6381'"},
        {":0\r\n", "0"},
        {":+7\r\n", "7"},
        {":-9223372036854775808\r\n", "-9223372036854775808"},
        {":9223372036854775807\r\n", "9223372036854775807"},
        {"$5\r\nhello\r\n", "'hello'"},
        {"$0\r\n\r\n", "''"},
        {"$4\r\n\r\n\r\n\r\n", "'\r\n\r\n'"},
        {"$3\r\na\0b\r\n"sv, "'a\0b'"sv},
        {"$-1\r\n", "null"},
        {"*-1\r\n", "null"},
        {"_\r\n", "null"},
        {"#t\r\n", "true"},
        {"#f\r\n", "false"},
        {",1\r\n", "number 1"},
        {",-1.25e+10\r\n", "number -1.25e+10"},
        {",1E5\r\n", "number 1E5"},
        {",inf\r\n", "number inf"},
        {",-inf\r\n", "number -inf"},
        {",nan\r\n", "number nan"},
        {",-nan\r\n", "number -nan"},
        {"(3492890328409238509324850943850943825024385\r\n",
         "'3492890328409238509324850943850943825024385'"},
        {"(-12\r\n", "'-12'"},
        {"!21\r\nSYNTAX invalid syntax\r\n", "error 'SYNTAX invalid syntax'"},
        {"=15\r\ntxt:Some string\r\n", "'Some string'"},
        {"=4\r\nmkd:\r\n", "''"},
        {"*0\r\n", "array()"},
        {"*3\r\n:1\r\n$-1\r\n*2\r\n+a\r\n*0\r\n", "array(1 null array('a' array()))"},
        {"~2\r\n+a\r\n+b\r\n", "set('a' 'b')"},
        {"%0\r\n", "map()"},
        {"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n#t\r\n", "map('a' 1 'b' array(true))"},
        {">3\r\n$7\r\nmessage\r\n$4\r\nroom\r\n$2\r\nhi\r\n", "push('message' 'room' 'hi')"},
        {">0\r\n", "push()"},
        {"*2\r\n+OK\r\n>3\r\n+subscribe\r\n+a\r\n:1\r\n", "array('OK' push('subscribe' 'a' 1))"},
    };
    for (const Case& expected : cases)
        EXPECT_THAT(read(expected.bytes), ElementsAre(expected.reply)) << expected.bytes;
}

TEST(RespReaderTest, LeavesAttributesOut) {
    const Case cases[] = {
        {"|1\r\n+ttl\r\n:3600\r\n+value\r\n", "'value'"},
        {"|0\r\n:1\r\n", "1"},
        {"|1\r\n+a\r\n*2\r\n%1\r\n+b\r\n:1\r\n:2\r\n|1\r\n+c\r\n+d\r\n_\r\n", "null"},
        {"*3\r\n:1\r\n|1\r\n+ttl\r\n:5\r\n:2\r\n|0\r\n:3\r\n", "array(1 2 3)"},
        {"*2\r\n|1\r\n|1\r\n+x\r\n+y\r\n+ttl\r\n:5\r\n*1\r\n:1\r\n:2\r\n", "array(array(1) 2)"},
        {"|1\r\n+ttl\r\n:5\r\n|1\r\n+ttl\r\n:6\r\n*1\r\n+a\r\n", "array('a')"},
    };
    for (const Case& expected : cases)
        EXPECT_THAT(read(expected.bytes), ElementsAre(expected.reply)) << expected.bytes;
}

TEST(RespReaderTest, ReadsOneReplyAfterTheOther) {
    EXPECT_THAT(read("+OK\r\n:1\r\n>1\r\n+hi\r\n$1\r\nx\r\n-ERR no\r\n*1\r\n_\r\n:2"),
                ElementsAre("'OK'", "1", "push('hi')", "'x'", "error 'ERR no'", "array(null)"));
}

TEST(RespReaderTest, WaitsForTheEndOfEachReply) {
    for (const std::string_view whole : {"+OK\r\n",
                                         ":12\r\n",
                                         "$5\r\nhello\r\n",
                                         "*2\r\n:1\r\n|1\r\n:1\r\n:2\r\n+a\r\n",
                                         "_\r\n",
                                         "=5\r\ntxt:x\r\n",
                                         "%1\r\n+a\r\n$-1\r\n"}) {
        EXPECT_THAT(read(whole.substr(0, whole.size() - 1)), IsEmpty()) << whole;
    }
}

TEST(RespReaderTest, RefusesWhatIsNoReply) {
    const Case cases[] = {
        {"H", "the byte 0x48 begins no reply"},
        {"\x15\x03\x01", "the byte 0x15 begins no reply"},
        {"\xff", "the byte 0xff begins no reply"},
        {"\r\n", "the byte 0x0d begins no reply"},
        {".\r\n", "the byte 0x2e begins no reply"},
        {";4\r\n", "the byte 0x3b begins no reply"},
        {"+OK\n", "a line does not end in CR LF"},
        {"+\n", "a line does not end in CR LF"},
        {"+a\rb\r\n", "a line does not end in CR LF"},
        {"+a\r\r\n", "a line does not end in CR LF"},
        {"+a\nb\r\n", "a line does not end in CR LF"},
        {":\r\n", "an integer is no integer of 64 bits"},
        {":-\r\n", "an integer is no integer of 64 bits"},
        {":+-1\r\n", "an integer is no integer of 64 bits"},
        {": 1\r\n", "an integer is no integer of 64 bits"},
        {":1 \r\n", "an integer is no integer of 64 bits"},
        {":1.0\r\n", "an integer is no integer of 64 bits"},
        {":9223372036854775808\r\n", "an integer is no integer of 64 bits"},
        {"$\r\n", "a string's length is no number"},
        {"$-2\r\n", "a string's length is no number"},
        {"$+1\r\n", "a string's length is no number"},
        {"$?\r\n", "a string's length is no number"},
        {"$99999999999999999999\r\n", "a string's length is no number"},
        {"!-1\r\n", "a string's length is no number"},
        {"=-1\r\n", "a string's length is no number"},
        {"$2\r\nabc\r\n", "a string is longer than its length"},
        {"$2\r\nab\n\r", "a string is longer than its length"},
        {"$0\r\na\r\n", "a string is longer than its length"},
        {"=3\r\ntxt\r\n", "a verbatim string has no format"},
        {"=5\r\ntxt-a\r\n", "a verbatim string has no format"},
        {"*\r\n", "a number of items is no number"},
        {"*?\r\n", "a number of items is no number"},
        {"*-2\r\n", "a number of items is no number"},
        {"%-1\r\n", "a number of items is no number"},
        {"~-1\r\n", "a number of items is no number"},
        {">-1\r\n", "a number of items is no number"},
        {"|-1\r\n", "a number of items is no number"},
        {"_x\r\n", "a null is followed by text"},
        {"#\r\n", "a boolean is neither t nor f"},
        {"#true\r\n", "a boolean is neither t nor f"},
        {",\r\n", "a double is no number"},
        {",.5\r\n", "a double is no number"},
        {",1.\r\n", "a double is no number"},
        {",1e\r\n", "a double is no number"},
        {",1e5.5\r\n", "a double is no number"},
        {",infinity\r\n", "a double is no number"},
        {",0x10\r\n", "a double is no number"},
        {"(\r\n", "a big number is no number"},
        {"(12a\r\n", "a big number is no number"},
        {"*2\r\n:1\r\nx", "the byte 0x78 begins no reply"},
    };
    for (const Case& expected : cases) {
        EXPECT_THAT(read(expected.bytes), ElementsAre("broken: " + std::string(expected.reply)))
            << expected.bytes;
    }
}

TEST(RespReaderTest, GivesWhatCameBeforeTheError) {
    EXPECT_THAT(read(":1\r\n:2\r\n?"),
                ElementsAre("1", "2", "broken: the byte 0x3f begins no reply"));
}

TEST(RespReaderTest, StaysBrokenAfterAnError) {
    Reader reader;
    reader.feed("?");
    ASSERT_TRUE(reader.next().has_error());
    reader.feed(":1\r\n");
    const auto again = reader.next();
    ASSERT_TRUE(again.has_error());
    EXPECT_EQ(again.error(), "the byte 0x3f begins no reply");
}

TEST(RespReaderTest, HoldsStringsToTheirLimit) {
    const std::string fits(kLimits.text_bytes, 'x');
    const std::string too_long = fits + 'x';
    EXPECT_THAT(read("$100\r\n" + fits + "\r\n"), ElementsAre("'" + fits + "'"));
    EXPECT_THAT(read("+" + fits + "\r\n"), ElementsAre("'" + fits + "'"));
    EXPECT_THAT(read("$101\r\n"), ElementsAre("broken: a string is too long"));
    EXPECT_THAT(read("+" + too_long + "\r\n"), ElementsAre("broken: a line is too long"));
    EXPECT_THAT(read("-" + too_long + "xxx"), ElementsAre("broken: a line is too long"));
    EXPECT_THAT(read("(" + std::string(101, '1') + "\r\n"),
                ElementsAre("broken: a line is too long"));
}

TEST(RespReaderTest, HoldsLengthsToAShortLine) {
    EXPECT_THAT(read(":" + std::string(40, '0')), ElementsAre("broken: a line is too long"));
    EXPECT_THAT(read("*" + std::string(40, '0')), ElementsAre("broken: a line is too long"));
}

TEST(RespReaderTest, HoldsItemsToTheirLimit) {
    std::string twenty = "*20\r\n";
    for (int i = 0; i < 20; ++i)
        twenty += "_\r\n";
    EXPECT_THAT(read(twenty), ElementsAre(StartsWith("array(null null")));
    for (const std::string_view bytes : {"*21\r\n", "~21\r\n", ">21\r\n", "%11\r\n", "|11\r\n"}) {
        EXPECT_THAT(read(bytes), ElementsAre("broken: an array has too many items")) << bytes;
    }
    EXPECT_THAT(read("%999999999999999999\r\n"),
                ElementsAre("broken: an array has too many items"));
}

TEST(RespReaderTest, HoldsNestingToItsLimit) {
    EXPECT_THAT(read("*1\r\n%1\r\n_\r\n~1\r\n*0\r\n"), ElementsAre(HasSubstr("set(array())")));
    EXPECT_THAT(read("*1\r\n*1\r\n*1\r\n*1\r\n_\r\n"), SizeIs(1));
    EXPECT_THAT(read("*1\r\n*1\r\n*1\r\n*1\r\n*0\r\n"),
                ElementsAre("broken: arrays are nested too deeply"));
    EXPECT_THAT(read("|1\r\n|1\r\n|1\r\n|1\r\n|1\r\n"),
                ElementsAre("broken: arrays are nested too deeply"));
}

TEST(RespReaderTest, ReadsNestingAsDeepAsAllowedWithoutRecursion) {
    constexpr std::size_t kDepth = 1'000;
    Reader reader({.depth = kDepth});
    for (std::size_t i = 0; i < kDepth; ++i)
        reader.feed("*1\r\n");
    reader.feed(":5\r\n");
    const Value reply = take_reply(reader);
    const Value* value = &reply;
    for (std::size_t i = 0; i < kDepth; ++i) {
        ASSERT_THAT(value->items, SizeIs(1));
        value = &value->items.front();
    }
    EXPECT_EQ(value->integer, 5);
}

TEST(RespReaderTest, HoldsAReplyToItsTotal) {
    std::string strings = "*20\r\n";
    for (int i = 0; i < 20; ++i)
        strings += "$100\r\n" + std::string(100, 'x') + "\r\n";
    const std::size_t total = 20 * (100 + sizeof(Value)) + sizeof(Value);
    ReaderLimits limits = kLimits;
    limits.total_bytes = total;
    EXPECT_THAT(read(strings + strings, limits), SizeIs(2)) << "each reply has its own";
    limits.total_bytes = total - 1;
    EXPECT_THAT(read(strings, limits), ElementsAre("broken: a reply is too large"));
}

TEST(RespReaderTest, CountsAttributesTowardsTheTotal) {
    std::string empty_ones;
    for (std::size_t i = 0; i <= kLimits.total_bytes / sizeof(Value); ++i)
        empty_ones += "|0\r\n";
    EXPECT_THAT(read(empty_ones), ElementsAre("broken: a reply is too large"));
}

/// The address space of this process, in pages.
std::size_t reserved_pages() {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages;
}

TEST(RespReaderTest, DoesNotReserveWhatIsAnnounced) {
    constexpr std::size_t kPagesOf256Megabytes = 65'536;
    const std::size_t before = reserved_pages();
    std::vector<Reader> readers(20);
    for (std::size_t i = 0; i < readers.size(); ++i) {
        readers[i].feed(i % 2 == 0 ? "*2\r\n$500000000\r\nabc" : "*7000000\r\n:1\r\n");
        EXPECT_TRUE(readers[i].next().has_value());
    }
    EXPECT_LT(reserved_pages() - before, kPagesOf256Megabytes);
}

TEST(RespReaderTest, RefusesATotalThatItemsAnnounce) {
    EXPECT_THAT(read("*10000000\r\n", {.total_bytes = 1'000'000}),
                ElementsAre("broken: a reply is too large"));
}

TEST(RespReaderTest, GoesOnInTheMiddleOfAReplyWhenItMoves) {
    Reader first;
    first.feed("*2\r\n*2\r\n:1\r\n$5\r\nhe");
    ASSERT_TRUE(first.next().has_value());
    Reader second = std::move(first);
    second.feed("llo\r\n:2\r\n");
    EXPECT_EQ(describe(take_reply(second)), "array(array(1 'hello') 2)");
}

TEST(RespValueTest, KnowsTheCodeOfAnError) {
    const Value moved{.kind = Kind::error, .text = "MOVED 1 host:1"};
    EXPECT_TRUE(moved.has_code("MOVED"));
    EXPECT_FALSE(moved.has_code("MOVE"));
    EXPECT_FALSE(moved.has_code("ASK"));
    EXPECT_TRUE((Value{.kind = Kind::error, .text = "NOSCRIPT"}).has_code("NOSCRIPT"));
    EXPECT_FALSE((Value{.kind = Kind::string, .text = "MOVED 1"}).has_code("MOVED"));
}

TEST(RespValueTest, FindsAKeyInAMapAndInPairs) {
    for (const std::string_view bytes :
         {"%2\r\n$1\r\na\r\n:1\r\n+b\r\n:2\r\n", "*4\r\n$1\r\na\r\n:1\r\n+b\r\n:2\r\n"}) {
        const Value pairs = read_one(bytes);
        ASSERT_NE(pairs.find("b"), nullptr);
        EXPECT_EQ(pairs.find("b")->integer, 2);
        EXPECT_EQ(pairs.find("c"), nullptr);
    }
    EXPECT_EQ(read_one("*3\r\n+a\r\n:1\r\n+b\r\n").find("b"), nullptr) << "a key without a value";
    EXPECT_EQ(read_one("*2\r\n:1\r\n:2\r\n").find("1"), nullptr) << "an integer is no key";
    EXPECT_EQ(read_one("~2\r\n+a\r\n+b\r\n").find("a"), nullptr) << "a set has no keys";
    EXPECT_EQ(read_one("$1\r\na\r\n").find("a"), nullptr);
}

TEST(RespCommandTest, IsAnArrayOfBulkStrings) {
    std::string bytes = "before ";
    Command({"SET", "key", "a\r\nb"}).add("PX").add(std::int64_t{-5}).append_to(bytes);
    EXPECT_EQ(bytes,
              "before *5\r\n$3\r\nSET\r\n$3\r\nkey\r\n$4\r\na\r\nb\r\n$2\r\nPX\r\n$2\r\n-5\r\n");
}

TEST(RespCommandTest, IsReadBackAsItsWords) {
    Command command{"EVALSHA", ""};
    command.add(std::string(100'000, 'x'))
        .add(std::string_view("\0\r\n", 3))
        .add(std::numeric_limits<std::int64_t>::min());
    std::string bytes;
    command.append_to(bytes);
    const Value words = read_one(bytes);
    ASSERT_THAT(words.items, SizeIs(5));
    EXPECT_EQ(words.items[0].text, "EVALSHA");
    EXPECT_EQ(words.items[1].text, "");
    EXPECT_EQ(words.items[2].text, std::string(100'000, 'x'));
    EXPECT_EQ(words.items[3].text, std::string_view("\0\r\n", 3));
    EXPECT_EQ(words.items[4].text, "-9223372036854775808");
}

TEST(RespCommandTest, KnowsItsName) {
    EXPECT_EQ(Command({"PING"}).name(), "PING");
    EXPECT_EQ(Command({"CLIENT", "SETNAME", "x"}).name(), "CLIENT");
    EXPECT_EQ(Command({""}).name(), "");
    EXPECT_EQ(Command({}).name(), "");
    EXPECT_EQ(Command({std::string(1'000, 'x')}).name(), std::string(1'000, 'x'));
}

}  // namespace
}  // namespace roomcast::resp

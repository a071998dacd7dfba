// SPDX-License-Identifier: Apache-2.0
#include "http/request_parser.hpp"

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast::http {
namespace {

using State = RequestParser::State;

/// Feeds `bytes` in pieces of `piece` bytes until the parser takes no more; gives how many it used.
std::size_t feed(RequestParser& parser, std::string_view bytes, std::size_t piece) {
    std::size_t used = 0;
    while (used < bytes.size() && parser.state() != State::failed) {
        const std::string_view next = bytes.substr(used, piece);
        const std::size_t taken = parser.put(next);
        used += taken;
        if (taken < next.size()) break;
    }
    return used;
}

/// How the bytes reach the parser: all at once, byte by byte, and in sevens.
class RequestParserTest : public testing::TestWithParam<std::size_t> {
protected:
    std::size_t feed(std::string_view bytes) { return http::feed(parser_, bytes, GetParam()); }

    Request take_request(std::string_view bytes) {
        EXPECT_EQ(feed(bytes), bytes.size());
        EXPECT_EQ(parser_.state(), State::complete);
        return parser_.state() == State::complete ? parser_.take() : Request{};
    }

    int status_of(std::string_view bytes) {
        feed(bytes);
        return parser_.state() == State::failed ? parser_.error().status : 0;
    }

    Limits limits_;
    RequestParser parser_{limits_};
};

INSTANTIATE_TEST_SUITE_P(Pieces,
                         RequestParserTest,
                         testing::Values(1, 7, 1'000'000),
                         [](const auto& instance) { return std::to_string(instance.param); });

TEST_P(RequestParserTest, ReadsRequestWithoutBody) {
    const Request request = take_request(
        "GET /api/channels?limit=5 HTTP/1.1\r\nHost: example.com:8080\r\nX-Thing:  a b \r\n\r\n");
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.target, "/api/channels?limit=5");
    EXPECT_EQ(request.path(), "/api/channels");
    EXPECT_EQ(request.query(), "limit=5");
    EXPECT_EQ(request.header("x-thing"), "a b");
    EXPECT_EQ(request.body, "");
    EXPECT_TRUE(request.is_keep_alive);
    EXPECT_EQ(parser_.state(), State::idle);
}

TEST_P(RequestParserTest, ReadsBodyOfAnnouncedLength) {
    const Request request = take_request(
        "POST /api/event HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n{\"a\":\r\n\r\n1}");
    EXPECT_EQ(request.body, "{\"a\":\r\n\r\n1}");
}

TEST_P(RequestParserTest, ReadsChunkedBodyAndDropsExtensionsAndTrailers) {
    const Request request = take_request(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
        "5;name=value\r\nhello\r\n006\r\n world\r\n0\r\nX-Trailer: y\r\n\r\n");
    EXPECT_EQ(request.body, "hello world");
    EXPECT_EQ(request.header("X-Trailer"), "");
}

TEST_P(RequestParserTest, StopsAtTheEndOfARequestAndGoesOnWithTheNext) {
    const std::string first = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    const std::string second = "GET /b HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(feed(first + second), first.size());
    EXPECT_EQ(parser_.put("GET"), 0U) << "takes nothing before take()";
    EXPECT_EQ(parser_.take().target, "/a");
    EXPECT_EQ(take_request(second).target, "/b");
}

TEST_P(RequestParserTest, LeavesBytesBehindAnUpgradeToTheWebSocketPeer) {
    const std::string head =
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    EXPECT_EQ(feed(head + "\x81\x80\r\n\r\n"), head.size());
    EXPECT_EQ(parser_.state(), State::complete);
}

TEST_P(RequestParserTest, ReducesAbsoluteTargetToPathAndQuery) {
    EXPECT_EQ(take_request("GET http://h:80/a?b HTTP/1.1\r\nHost: a\r\n\r\n").target, "/a?b");
    EXPECT_EQ(take_request("GET HTTPS://h?b HTTP/1.1\r\nHost: a\r\n\r\n").target, "/?b");
    EXPECT_EQ(take_request("GET http://[::1]:8080 HTTP/1.1\r\nHost: a\r\n\r\n").target, "/");
    EXPECT_EQ(take_request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").target, "*");
}

struct KeepAlive {
    std::string head;
    bool is_keep_alive;
};

TEST_P(RequestParserTest, KnowsWhetherTheConnectionStays) {
    const std::vector<KeepAlive> cases = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, Close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    };
    for (const KeepAlive& one : cases) {
        EXPECT_EQ(take_request(one.head).is_keep_alive, one.is_keep_alive) << one.head;
    }
}

struct Refused {
    std::string name;
    std::string bytes;
    int status;
};

std::string with_header(const std::string& line) {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n";
}

std::string with_chunks(const std::string& chunks) {
    return with_header("Transfer-Encoding: chunked") + chunks;
}

std::string repeat(const std::string& text, std::size_t times) {
    std::string repeated;
    for (std::size_t i = 0; i < times; ++i)
        repeated += text;
    return repeated;
}

std::vector<Refused> refused_requests() {
    const std::string nul(1, '\0');
    return {
        {"ContentLengthAndTransferEncoding",
         with_header("Content-Length: 5\r\nTransfer-Encoding: chunked"),
         400},
        {"TransferEncodingAndContentLength",
         with_header("Transfer-Encoding: chunked\r\nContent-Length: 5"),
         400},
        {"TwoContentLengths", with_header("Content-Length: 5\r\nContent-Length: 6"), 400},
        {"TwoEqualContentLengths", with_header("Content-Length: 5\r\nContent-Length: 5"), 400},
        {"ListOfEqualContentLengths", with_header("Content-Length: 5, 5"), 400},
        {"SignedContentLength", with_header("Content-Length: +5"), 400},
        {"NegativeContentLength", with_header("Content-Length: -5"), 400},
        {"HexadecimalContentLength", with_header("Content-Length: 0x5"), 400},
        {"EmptyContentLength", with_header("Content-Length:"), 400},
        {"ContentLengthWithUnderscore",
         with_header("Content_Length: 5\r\nContent-Length: 5_0"),
         400},
        {"ContentLengthBeyond64Bits", with_header("Content-Length: 99999999999999999999"), 400},
        {"ContentLengthOverLimit", with_header("Content-Length: 1048577"), 413},
        {"ContentLengthOfAGibibyte", with_header("Content-Length: 1073741824"), 413},
        {"UnknownTransferEncoding", with_header("Transfer-Encoding: gzip"), 400},
        {"TransferEncodingList", with_header("Transfer-Encoding: gzip, chunked"), 400},
        {"TransferEncodingIdentity", with_header("Transfer-Encoding: identity"), 400},
        {"TransferEncodingWithParameter", with_header("Transfer-Encoding: chunked;q=1"), 400},
        {"EmptyTransferEncoding", with_header("Transfer-Encoding:"), 400},
        {"TwoTransferEncodings",
         with_header("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
         400},
        {"ChunkedInHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"FoldedHeader", with_header("X-A: b\r\n c"), 400},
        {"FoldedHeaderWithTab", with_header("X-A: b\r\n\tc"), 400},
        {"FoldedFirstHeader", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"SpaceBeforeColon", with_header("Content-Length : 5"), 400},
        {"SpaceInHeaderName", with_header("X A: b"), 400},
        {"EmptyHeaderName", with_header(": b"), 400},
        {"HeaderWithoutColon", with_header("nonsense"), 400},
        {"BareLineFeed", "GET / HTTP/1.1\nHost: a\n\n", 400},
        {"BareLineFeedBetweenHeaders", "GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n", 400},
        {"BareCarriageReturn", with_header("X-A: b\rX-B: c"), 400},
        {"NulInValue", with_header("X-A: b" + nul + "c"), 400},
        {"ControlCharacterInValue", with_header("X-A: b\x01"), 400},
        {"DeleteInValue", with_header("X-A: b\x7f"), 400},
        {"HttpVersion2", "PRI * HTTP/2.0\r\n\r\n", 400},
        {"HttpVersion12", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400},
        {"HttpVersion09", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400},
        {"NoVersion", "GET /\r\nHost: a\r\n\r\n", 400},
        {"LowerCaseVersion", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
        {"TwoSpacesInRequestLine", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"TabInRequestLine", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"TabInTarget", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"ControlCharacterInTarget", "GET /a\x02 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"SpaceBehindVersion", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
        {"MissingHost", "GET / HTTP/1.1\r\n\r\n", 400},
        {"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
        {"TwoHostsInHttp10", "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", 400},
        {"EmptyHost", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
        {"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"HostWithUser", "GET / HTTP/1.1\r\nHost: me@a\r\n\r\n", 400},
        {"HostWithSpace", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"HostWithBadPort", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400},
        {"HostWithOpenBracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
        {"RelativeTarget", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"AuthorityTarget", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"AsteriskTargetOfGet", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"OtherSchemeTarget", "GET ftp://a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"UpgradeWithLength",
         with_header("Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 5"),
         400},
        {"UpgradeWithChunks",
         with_header("Upgrade: websocket\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked"),
         400},
        {"OtherExpectation", with_header("Content-Length: 5\r\nExpect: miracles"), 417},
        {"RequestLineOverLimit",
         "GET /" + std::string(8'192, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
         414},
        {"RequestLineWithoutEnd", "GET /" + std::string(20'000, 'a'), 414},
        {"HeaderBytesOverLimit", with_header("X-A: " + std::string(16'384, 'a')), 431},
        {"TooManyHeaders", with_header(repeat("X-A: b\r\n", 100) + "X-B: c"), 431},
        {"TlsHello", "\x16\x03\x01\x02", 400},
        {"RandomBytes", "\xff\xfe\x80\x01", 400},
        {"NoMethod", " / HTTP/1.1", 400},
        {"EndlessMethod", std::string(40, 'A'), 400},
        {"ChunkSizeOverflow", with_chunks("10000000000000000\r\n"), 400},
        {"ChunkSizeOf64Bits", with_chunks("ffffffffffffffff\r\n"), 413},
        {"ChunkSizeWithSign", with_chunks("+5\r\nhello\r\n"), 400},
        {"ChunkSizeWithPrefix", with_chunks("0x5\r\nhello\r\n"), 400},
        {"ChunkSizeWithSpace", with_chunks("5 \r\nhello\r\n"), 400},
        {"EmptyChunkSize", with_chunks("\r\nhello\r\n"), 400},
        {"GarbageChunkSize", with_chunks("xyz\r\n"), 400},
        {"ChunkSizeLineWithBareLineFeed", with_chunks("5\nhello\r\n"), 400},
        {"ChunkSizeLineWithBareCarriageReturn", with_chunks("5\rhello\r\n"), 400},
        {"ChunkLongerThanItsSize", with_chunks("4\r\nhello\r\n"), 400},
        {"ChunkWithBareLineFeedBehind", with_chunks("5\r\nhello\n0\r\n\r\n"), 400},
        {"LongChunkExtension", with_chunks("5;" + std::string(257, 'a') + "\r\n"), 400},
        {"LineFeedInChunkExtension", with_chunks("5;a=\"\n\"\r\nhello\r\n"), 400},
        {"ChunksOverLimit",
         with_chunks("80000\r\n" + std::string(0x80000, 'a') + "\r\n80001\r\n"),
         413},
        {"BadTrailer", with_chunks("0\r\nX A: b\r\n\r\n"), 400},
        {"FoldedTrailer", with_chunks("0\r\nX-A: b\r\n c\r\n\r\n"), 400},
        {"TrailersOverLimit", with_chunks("0\r\n" + repeat("X-A: 0123456789\r\n", 1'000)), 431},
    };
}

TEST_P(RequestParserTest, RefusesWhatCouldBeReadInTwoWays) {
    for (const Refused& one : refused_requests()) {
        RequestParser parser(limits_);
        http::feed(parser, one.bytes, GetParam());
        ASSERT_EQ(parser.state(), State::failed) << one.name;
        EXPECT_EQ(parser.error().status, one.status) << one.name << ": " << parser.error().body;
        EXPECT_TRUE(parser.error().must_close) << one.name;
    }
}

TEST_P(RequestParserTest, TakesWhatIsJustWithinTheLimits) {
    const std::string line = "GET /" + std::string(8'192 - 14, 'a') + " HTTP/1.1\r\n";
    EXPECT_EQ(take_request(line + "Host: a\r\n\r\n").method, "GET");
    EXPECT_EQ(take_request(with_header(repeat("X-A: b\r\n", 98) + "X-B: c")).headers.size(), 100U);
    const std::string host = "GET / HTTP/1.1\r\nHost: a\r\nX-A: ";
    EXPECT_EQ(take_request(host + std::string(16'384 - host.size() - 4, 'a') + "\r\n\r\n").method,
              "GET");
    const std::string body(1'048'576, 'a');
    EXPECT_EQ(take_request(with_header("Content-Length: 1048576") + body).body.size(), body.size());
    EXPECT_EQ(take_request(
                  with_chunks("100000;" + std::string(255, 'e') + "\r\n" + body + "\r\n0\r\n\r\n"))
                  .body.size(),
              body.size());
}

TEST_P(RequestParserTest, IgnoresOffersOfOtherProtocols) {
    EXPECT_EQ(take_request(with_header("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                                       "Content-Length: 2") +
                           "{}")
                  .body,
              "{}");
}

TEST_P(RequestParserTest, TakesHostsOfAllForms) {
    for (const std::string host : {"example.com",
                                   "example.com:8080",
                                   "127.0.0.1:1",
                                   "[::1]",
                                   "[::1]:8080",
                                   "my_host.local",
                                   "localhost:"}) {
        EXPECT_EQ(take_request("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n").header("Host"),
                  host);
    }
}

TEST_P(RequestParserTest, SwallowsEverythingOnceFailed) {
    EXPECT_EQ(status_of("\x16"), 400);
    EXPECT_EQ(parser_.put("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 27U);
    EXPECT_EQ(parser_.state(), State::failed);
}

TEST(RequestParserStatesTest, ShowsHowFarTheRequestHasCome) {
    const Limits limits;
    RequestParser parser(limits);
    EXPECT_EQ(parser.state(), State::idle);
    parser.put("P");
    EXPECT_EQ(parser.state(), State::head);
    parser.put("OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(parser.state(), State::body);
    parser.put("h");
    EXPECT_EQ(parser.state(), State::body);
    parser.put("i");
    EXPECT_EQ(parser.state(), State::complete);
}

TEST(RequestParserStatesTest, RefusesTlsOnAPlainPortAtItsFirstByte) {
    const Limits limits;
    RequestParser parser(limits);
    parser.put("\x16");
    EXPECT_EQ(parser.state(), State::failed);
}

TEST(RequestParserContinueTest, AsksForTheBodyOnceWhenTheClientWaits) {
    const Limits limits;
    RequestParser parser(limits);
    parser.put("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n");
    EXPECT_TRUE(parser.take_continue());
    EXPECT_FALSE(parser.take_continue());
    parser.put("hi");
    EXPECT_EQ(parser.take().body, "hi");
}

TEST(RequestParserContinueTest, DoesNotAskWhenTheBodyIsAlreadyComing) {
    const Limits limits;
    RequestParser parser(limits);
    parser.put("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nh");
    EXPECT_FALSE(parser.take_continue());
}

TEST(RequestParserContinueTest, DoesNotAskForABodyThatIsTooLarge) {
    const Limits limits;
    RequestParser parser(limits);
    parser.put(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_FALSE(parser.take_continue());
    EXPECT_EQ(parser.error().status, 413);
}

}  // namespace
}  // namespace roomcast::http

// SPDX-License-Identifier: Apache-2.0
// Requests as bytes: whole and in pieces, the parser must come to the same end, and what it lets
// pass must keep the promises on which the gateway relies.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.hpp"
#include "http/request_parser.hpp"

namespace {

using roomcast::Limits;
using roomcast::http::Request;
using roomcast::http::RequestParser;
using State = RequestParser::State;

struct Outcome {
    std::vector<Request> requests;
    int error = 0;
    std::size_t used = 0;
};

void check(const Request& request, const Limits& limits) {
    REQUIRE(!request.method.empty());
    REQUIRE(request.target.starts_with('/') || request.target == "*");
    REQUIRE(request.body.size() <= limits.body_bytes);
    REQUIRE(request.headers.size() <= limits.header_fields);
    REQUIRE(request.header_count("Content-Length") <= 1);
    REQUIRE(request.is_http_1_0 || request.header_count("Host") == 1);
    for (const auto& header : request.headers) {
        REQUIRE(header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    }
}

/// `cut` gives the length of the next piece.
template <class Cut>
Outcome read_all(std::string_view bytes, const Limits& limits, Cut cut) {
    RequestParser parser(limits);
    Outcome outcome;
    while (outcome.used < bytes.size()) {
        const std::string_view piece = bytes.substr(outcome.used, cut());
        const std::size_t used = parser.put(piece);
        REQUIRE(used <= piece.size());
        outcome.used += used;
        (void)parser.take_continue();  // asked for as the gateway does; the answer is not looked at
        if (parser.state() == State::failed) {
            outcome.error = parser.error().status;
            REQUIRE(outcome.error >= 400 && outcome.error < 500);
            break;
        }
        if (parser.state() == State::complete) {
            outcome.requests.push_back(parser.take());
            check(outcome.requests.back(), limits);
            REQUIRE(parser.state() == State::idle);
        } else {
            REQUIRE(used == piece.size());
        }
    }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    Limits limits;
    limits.body_bytes = 2'048;
    const std::size_t step = 1 + data[0] % 16;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

    const Outcome whole = read_all(bytes, limits, [&bytes] { return bytes.size(); });
    const Outcome pieces = read_all(bytes, limits, [step] { return step; });
    REQUIRE(whole.error == pieces.error);
    REQUIRE(whole.requests.size() == pieces.requests.size());
    for (std::size_t i = 0; i < whole.requests.size(); ++i) {
        REQUIRE(whole.requests[i].target == pieces.requests[i].target);
        REQUIRE(whole.requests[i].body == pieces.requests[i].body);
    }
    return 0;
}

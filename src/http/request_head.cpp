// SPDX-License-Identifier: Apache-2.0
#include "http/request_head.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace roomcast::http {
namespace {

namespace beast = boost::beast;

std::string to_string(beast::string_view text) {
    return {text.data(), text.size()};
}

/// Collects what Beast's grammar finds in a head. It never sees a body.
class HeadParser final : public beast::http::basic_parser<true> {
public:
    Request request;

private:
    using Verb = beast::http::verb;
    using Field = beast::http::field;
    using Code = beast::error_code;
    using Text = beast::string_view;

    void on_request_impl(Verb, Text method, Text target, int version, Code& error) override {
        request.method = to_string(method);
        request.target = to_string(target);
        request.is_http_1_0 = version == 10;
        error = {};
    }

    void on_field_impl(Field, Text name, Text value, Code& error) override {
        request.headers.push_back({to_string(name), to_string(value)});
        error = {};
    }

    void on_header_impl(Code& error) override { error = {}; }

    void on_response_impl(int, Text, int, Code& error) override { error = {}; }

    void on_finish_impl(Code& error) override { error = {}; }

    void on_chunk_header_impl(std::uint64_t, Text, Code& error) override { error = {}; }

    void on_body_init_impl(const boost::optional<std::uint64_t>&, Code& error) override {
        error = {};
    }

    std::size_t on_body_impl(Text, Code& error) override {
        error = {};
        return 0;
    }

    std::size_t on_chunk_body_impl(std::uint64_t, Text, Code& error) override {
        error = {};
        return 0;
    }
};

constexpr Refusal bad_request(std::string_view text) {
    return {400, "bad_request", text};
}

Refusal refusal_of(const beast::error_code& error) {
    using Error = beast::http::error;
    if (error == Error::bad_method) return bad_request("the method is malformed");
    if (error == Error::bad_target) return bad_request("the request target is malformed");
    if (error == Error::bad_version) return bad_request("the version must be HTTP/1.0 or HTTP/1.1");
    if (error == Error::bad_field) return bad_request("a header's name is malformed");
    if (error == Error::bad_value) return bad_request("a header's value is malformed");
    if (error == Error::bad_content_length || error == Error::multiple_content_length) {
        return bad_request("Content-Length is malformed");
    }
    if (error == Error::bad_transfer_encoding) {
        return bad_request("Content-Length and Transfer-Encoding in one request");
    }
    return bad_request("the head is malformed");
}

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// `host`, `host:port` or `[address]:port` (RFC 3986 section 3.2.2), without user information.
bool is_valid_host(std::string_view host) {
    const std::size_t bracket = host.find(']');
    const bool is_address = host.starts_with('[') && bracket != std::string_view::npos;
    const std::size_t colon = host.find(':', is_address ? bracket : 0);
    if (colon != std::string_view::npos && colon + 1 < host.size() &&
        !is_digits(host.substr(colon + 1))) {
        return false;
    }
    const std::string_view name = host.substr(0, colon);
    if (name.empty()) return false;
    if (is_address) {
        const std::string_view address = name.substr(1, bracket - 1);
        return bracket + 1 == name.size() && !address.empty() &&
               address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
    }
    return std::all_of(name.begin(), name.end(), [](char c) {
        // Token characters, less those that no host name has, and the rest of sub-delims.
        return (is_token_character(c) &&
                std::string_view("#^`|").find(c) == std::string_view::npos) ||
               std::string_view("(),;=").find(c) != std::string_view::npos;
    });
}

/// Reduces `http://host/path?query` to `/path?query`. False for a target that is neither that nor
/// a path (or `*`, which OPTIONS may name).
bool reduce_target(Request& request) {
    std::string& target = request.target;
    if (target.starts_with('/')) return true;
    if (target == "*") return request.method == "OPTIONS";
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
        const std::size_t end = target.find_first_of("/?", scheme.size());
        const std::string authority = target.substr(scheme.size(), end - scheme.size());
        if (!is_valid_host(authority)) return false;
        target = end == std::string::npos ? "/" : target.substr(end);
        if (target.starts_with('?')) target.insert(0, "/");
        return true;
    }
    return false;
}

const Refusal* check_host(const Request& request) {
    static constexpr Refusal kMissing = bad_request("the header Host is missing");
    static constexpr Refusal kDoubled = bad_request("the header Host comes twice");
    static constexpr Refusal kMalformed = bad_request("the header Host is malformed");
    const std::size_t count = request.header_count("Host");
    if (count == 0) return request.is_http_1_0 ? nullptr : &kMissing;
    if (count > 1) return &kDoubled;
    return is_valid_host(request.header("Host")) ? nullptr : &kMalformed;
}

/// Finds out how the body is framed. Anything but the two plain forms is refused, though RFC 9112
/// section 6.3 would allow some: a proxy in front may read them otherwise than we do.
const Refusal* read_framing(RequestHead& head) {
    static constexpr Refusal kLength = bad_request("Content-Length must be one number");
    static constexpr Refusal kBoth =
        bad_request("Content-Length and Transfer-Encoding in one request");
    static constexpr Refusal kEncoding = bad_request("Transfer-Encoding must be chunked");
    static constexpr Refusal kTooLarge{413, "too_large", "the body is too large"};
    const Request& request = head.request;
    const std::size_t lengths = request.header_count("Content-Length");
    const std::size_t encodings = request.header_count("Transfer-Encoding");
    if (lengths > 0 && encodings > 0) return &kBoth;
    if (encodings > 0) {
        const std::string_view encoding = request.header("Transfer-Encoding");
        if (encodings > 1 || !equals_ignoring_case(encoding, "chunked")) return &kEncoding;
        if (request.is_http_1_0) return &kEncoding;
        head.framing = BodyFraming::chunked;
    }
    if (lengths > 0) {
        const std::string_view length = request.header("Content-Length");
        if (lengths > 1 || !is_digits(length)) return &kLength;
        const auto read =
            std::from_chars(length.data(), length.data() + length.size(), head.content_length);
        if (read.ec != std::errc()) return &kTooLarge;
        if (head.content_length > 0) head.framing = BodyFraming::length;
    }
    return nullptr;
}

const Refusal* read_expectation(RequestHead& head) {
    static constexpr Refusal kUnknown{417, "expectation_failed", "Expect must be 100-continue"};
    const std::string_view expectation = head.request.header("Expect");
    if (expectation.empty() || head.request.is_http_1_0) return nullptr;
    if (!equals_ignoring_case(expectation, "100-continue")) return &kUnknown;
    head.expects_continue = head.framing != BodyFraming::none;
    return nullptr;
}

}  // namespace

Outcome<RequestHead, Refusal> parse_request_head(std::string_view bytes) {
    HeadParser parser;
    // HeadScanner has held the limits, and the body is not Beast's to read.
    parser.header_limit(static_cast<std::uint32_t>(bytes.size() + 1));
    parser.body_limit(boost::none);
    beast::error_code error;
    const std::size_t used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    if (error) return refusal_of(error);
    if (!parser.is_header_done() || used != bytes.size())
        return bad_request("the head is malformed");

    RequestHead head;
    const bool is_keep_alive = parser.keep_alive();
    head.request = std::move(parser.request);
    head.request.is_keep_alive = is_keep_alive;
    if (const Refusal* refusal = check_host(head.request)) return *refusal;
    if (const Refusal* refusal = read_framing(head)) return *refusal;
    if (const Refusal* refusal = read_expectation(head)) return *refusal;
    if (!reduce_target(head.request)) return bad_request("the request target must be a path");
    // What follows an upgrade is no longer HTTP: a body in between would be a hiding place. Other
    // protocols are ignored, as RFC 9110 section 7.8 allows: Java's client offers h2c with bodies.
    if (head.framing != BodyFraming::none &&
        head.request.header_has_token("Upgrade", "websocket")) {
        return bad_request("a request to upgrade must not have a body");
    }
    return head;
}

}  // namespace roomcast::http

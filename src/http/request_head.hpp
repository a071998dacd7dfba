// SPDX-License-Identifier: Apache-2.0
// From the bytes of a request's head to its meaning: method, target, headers, and how the body is
// framed.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/head_scanner.hpp"
#include "http/message.hpp"
#include "util/result.hpp"

namespace roomcast::http {

enum class BodyFraming : std::uint8_t { none, length, chunked };

struct RequestHead {
    Request request;  // without body
    BodyFraming framing = BodyFraming::none;
    std::uint64_t content_length = 0;
    /// `Expect: 100-continue`: the client waits before it sends the body.
    bool expects_continue = false;
};

/// Reads a whole head, up to and including the empty line, that HeadScanner let pass. Strict where
/// RFC 9112 leaves a choice: one Content-Length of digits alone, or the one Transfer-Encoding
/// `chunked`, never both; one Host in HTTP/1.1. An absolute target is reduced to path and query.
[[nodiscard]] Outcome<RequestHead, Refusal> parse_request_head(std::string_view head);

}  // namespace roomcast::http

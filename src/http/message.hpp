// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 request as read, and the answer to it as values: no sockets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace roomcast::http {

struct Header {
    std::string name;  // as the peer wrote it; compared without case
    std::string value;
};

struct Request {
    std::string method;
    std::string target;  // as it came: path and query; an absolute form is reduced to those
    std::vector<Header> headers;
    std::string body;
    bool is_keep_alive = true;
    /// HTTP/1.0, which knows neither upgrades nor chunked bodies.
    bool is_http_1_0 = false;
    /// Of the client: the socket's peer, or what a trusted proxy says.
    std::string peer_address;
    bool is_peer_loopback = false;

    /// The value of the first header of that name (any case), or nothing.
    [[nodiscard]] std::string_view header(std::string_view name) const;
    /// How many headers have that name (any case).
    [[nodiscard]] std::size_t header_count(std::string_view name) const;
    /// True when a header of that name lists `token`, both in any case: `Connection: a, Upgrade`.
    [[nodiscard]] bool header_has_token(std::string_view name, std::string_view token) const;
    /// The target up to '?', still percent-encoded.
    [[nodiscard]] std::string_view path() const;
    /// The target behind '?', still percent-encoded.
    [[nodiscard]] std::string_view query() const;
};

struct Response {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<Header> headers;
    /// The connection is closed behind this answer.
    bool must_close = false;
};

/// The bytes of `response`. `is_head`: without the body, with its length.
[[nodiscard]] std::string serialize(const Response& response, bool is_keep_alive, bool is_head);

/// The phrase of a status line: "Not Found". Empty for a status that this server never gives.
[[nodiscard]] std::string_view status_phrase(int status);

/// An error answer: `{"error":text,"reason":reason}`. `text` is for people; `reason` is snake_case
/// and stable.
[[nodiscard]] Response error_response(int status, std::string_view reason, std::string_view text);

/// ASCII letters compared without case.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace roomcast::http

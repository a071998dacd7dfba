// SPDX-License-Identifier: Apache-2.0
// Reads HTTP/1.1 requests from bytes, strictly: shapes that two readers could see differently are
// refused (RFC 9112; request smuggling).
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "http/message.hpp"
#include "model/limits.hpp"

namespace roomcast::http {

/// Reads one request after the other from a connection's bytes. Holds no buffer while idle.
class RequestParser {
public:
    /// `limits` outlives the parser.
    explicit RequestParser(const Limits& limits);
    ~RequestParser();

    enum class State {
        idle,      // nothing of a request has come yet
        head,      // in the request line or the headers
        body,      // the head is complete, the body is not
        complete,  // take() gives the request
        failed,    // error() says why; the connection must be closed behind it
    };

    /// Reads from `bytes` up to the end of one request; gives how many it used. What is left is the
    /// next request's (or, behind an upgrade, the WebSocket peer's). Takes nothing while a request
    /// waits in take(), and swallows everything once it has failed.
    std::size_t put(std::string_view bytes);
    [[nodiscard]] State state() const;
    /// True once, when the head asked for `100 Continue` before its body and none of that has come.
    [[nodiscard]] bool take_continue();
    /// The request; the parser is ready for the next. Only when complete.
    [[nodiscard]] Request take();
    /// The answer to bytes that are no request. Only when failed.
    [[nodiscard]] Response error() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace roomcast::http

// SPDX-License-Identifier: Apache-2.0
// Finds the end of a request's head in bytes that come in any pieces, and refuses at the first byte
// what is too long or what two readers could take for different lines.
#pragma once

#include <cstddef>
#include <string_view>

#include "model/limits.hpp"

namespace roomcast::http {

/// Why bytes are refused, for an answer and the close behind it. The texts are constants.
struct Refusal {
    int status;
    std::string_view reason;  // snake_case
    std::string_view text;    // for people
};

/// Looks at every byte of a head once. What it lets pass has CR LF at the end of every line and
/// nowhere else, no folded lines, no control characters and no more than the limits allow; the
/// lines themselves are for parse_request_head().
class HeadScanner {
public:
    explicit HeadScanner(const Limits& limits) : limits_(&limits) {}

    /// Reads up to the end of the head; gives how many bytes of `bytes` are part of it.
    std::size_t scan(std::string_view bytes);

    [[nodiscard]] bool is_complete() const { return place_ == Place::end; }

    /// Null while nothing is wrong.
    [[nodiscard]] const Refusal* refusal() const { return refusal_; }

private:
    enum class Place {
        method,
        request_line,
        line_start,
        field,
        line_feed,      // behind the CR of a line
        end_line_feed,  // behind the CR of the empty line
        end,
    };

    void take(char c);
    void take_method(char c);
    void take_line(char c, Place line);
    void take_line_start(char c);

    const Limits* limits_;
    Place place_ = Place::method;
    std::size_t bytes_ = 0;
    std::size_t fields_ = 0;
    const Refusal* refusal_ = nullptr;
};

/// A character of a token (RFC 9110 section 5.6.2): methods, header names.
[[nodiscard]] bool is_token_character(char c);

}  // namespace roomcast::http

// SPDX-License-Identifier: Apache-2.0
// Reads the `chunked` transfer coding (RFC 9112 section 7.1) from bytes in any pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/head_scanner.hpp"
#include "model/limits.hpp"

namespace roomcast::http {

/// Our own reader, since Beast's sets no bound to a chunk's extensions and asserts that the last
/// chunk does not come byte by byte.
class ChunkedBody {
public:
    explicit ChunkedBody(const Limits& limits) : limits_(&limits) {}

    /// Reads up to the end of the body; gives how many bytes it used. Content is appended to
    /// `body`. Extensions and trailers are checked for their form and thrown away.
    std::size_t put(std::string_view bytes, std::string& body);

    [[nodiscard]] bool is_complete() const { return place_ == Place::end; }

    /// Null while nothing is wrong.
    [[nodiscard]] const Refusal* refusal() const { return refusal_; }

private:
    enum class Place {
        size,
        extension,
        size_line_feed,
        content,
        content_carriage_return,
        content_line_feed,
        trailer_start,
        trailer_name,
        trailer_value,
        trailer_line_feed,
        end_line_feed,
        end,
    };

    void take(char c, std::size_t body_size);
    void take_size(char c);
    void take_extension(char c);
    void take_trailer(char c);
    void end_size_line(std::size_t body_size);
    void expect(char c, char wanted, Place next);

    const Limits* limits_;
    Place place_ = Place::size;
    std::uint64_t size_ = 0;  // of the chunk; while content is read, what is missing
    std::size_t size_digits_ = 0;
    std::size_t line_bytes_ = 0;     // of the extension
    std::size_t trailer_bytes_ = 0;  // of all trailers
    const Refusal* refusal_ = nullptr;
};

}  // namespace roomcast::http

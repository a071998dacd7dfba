// SPDX-License-Identifier: Apache-2.0
#include "http/chunked_body.hpp"

#include <algorithm>

namespace roomcast::http {
namespace {

constexpr std::size_t kMaxSizeDigits = 16;
constexpr std::size_t kMaxExtensionBytes = 256;

constexpr Refusal kBadSize{400, "bad_request", "a chunk's size is malformed"};
constexpr Refusal kBadExtension{400, "bad_request", "a chunk's extension is malformed or too long"};
constexpr Refusal kBadEnd{400, "bad_request", "a chunk does not end in CR LF"};
constexpr Refusal kBadTrailer{400, "bad_request", "a trailer is malformed"};
constexpr Refusal kTrailersTooLarge{431, "headers_too_large", "the trailers are too large"};
constexpr Refusal kTooLarge{413, "too_large", "the body is too large"};

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_control_character(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

}  // namespace

std::size_t ChunkedBody::put(std::string_view bytes, std::string& body) {
    std::size_t used = 0;
    while (used < bytes.size() && !is_complete() && !refusal_) {
        if (place_ == Place::content) {
            const std::string_view content = bytes.substr(used, size_);
            body += content;
            used += content.size();
            size_ -= content.size();
            if (size_ == 0) place_ = Place::content_carriage_return;
        } else {
            take(bytes[used++], body.size());
        }
    }
    return used;
}

void ChunkedBody::take(char c, std::size_t body_size) {
    switch (place_) {
        case Place::size:
            return take_size(c);
        case Place::extension:
            return take_extension(c);
        case Place::size_line_feed:
            if (c != '\n') {
                refusal_ = &kBadSize;
            } else {
                end_size_line(body_size);
            }
            return;
        case Place::content_carriage_return:
            return expect(c, '\r', Place::content_line_feed);
        case Place::content_line_feed:
            return expect(c, '\n', Place::size);
        case Place::trailer_start:
        case Place::trailer_name:
        case Place::trailer_value:
        case Place::trailer_line_feed:
        case Place::end_line_feed:
            return take_trailer(c);
        case Place::content:
        case Place::end:
            return;
    }
}

void ChunkedBody::take_size(char c) {
    if (const int digit = hex_digit(c); digit >= 0) {
        // Sixteen digits cannot overflow; zeros in front are digits too.
        if (++size_digits_ > kMaxSizeDigits) refusal_ = &kBadSize;
        size_ = size_ * 16 + static_cast<std::uint64_t>(digit);
    } else if (size_digits_ > 0 && c == ';') {
        place_ = Place::extension;
    } else if (size_digits_ > 0 && c == '\r') {
        place_ = Place::size_line_feed;
    } else {
        refusal_ = &kBadSize;
    }
}

void ChunkedBody::take_extension(char c) {
    if (c == '\r') {
        place_ = Place::size_line_feed;
    } else if (is_control_character(c) || ++line_bytes_ > kMaxExtensionBytes) {
        refusal_ = &kBadExtension;
    }
}

void ChunkedBody::end_size_line(std::size_t body_size) {
    // As a subtraction: the sum of the two could overflow.
    if (size_ > limits_->body_bytes - std::min(body_size, limits_->body_bytes)) {
        refusal_ = &kTooLarge;
        return;
    }
    place_ = size_ == 0 ? Place::trailer_start : Place::content;
    size_digits_ = 0;
    line_bytes_ = 0;
}

void ChunkedBody::take_trailer(char c) {
    if (++trailer_bytes_ > limits_->header_bytes) {
        refusal_ = &kTrailersTooLarge;
        return;
    }
    switch (place_) {
        case Place::trailer_start:
            if (c == '\r') {
                place_ = Place::end_line_feed;
            } else if (is_token_character(c)) {
                place_ = Place::trailer_name;
            } else {
                refusal_ = &kBadTrailer;
            }
            return;
        case Place::trailer_name:
            if (c == ':') {
                place_ = Place::trailer_value;
            } else if (!is_token_character(c)) {
                refusal_ = &kBadTrailer;
            }
            return;
        case Place::trailer_value:
            if (c == '\r') {
                place_ = Place::trailer_line_feed;
            } else if (is_control_character(c)) {
                refusal_ = &kBadTrailer;
            }
            return;
        case Place::trailer_line_feed:
            return expect(c, '\n', Place::trailer_start);
        default:
            return expect(c, '\n', Place::end);
    }
}

void ChunkedBody::expect(char c, char wanted, Place next) {
    place_ = next;
    if (c != wanted) refusal_ = &kBadEnd;
}

}  // namespace roomcast::http

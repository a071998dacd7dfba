// SPDX-License-Identifier: Apache-2.0
#include "http/head_scanner.hpp"

namespace roomcast::http {
namespace {

// Longer than any registered method: what comes is not HTTP, and need not be read to its line end.
constexpr std::size_t kMaxMethodBytes = 32;

constexpr Refusal kNotHttp{400, "bad_request", "this is no HTTP request"};
constexpr Refusal kBadLineEnd{400, "bad_request", "a line of the head does not end in CR LF"};
constexpr Refusal kControlCharacter{400, "bad_request", "a control character in the head"};
constexpr Refusal kFolded{400, "bad_request", "a folded header line"};
constexpr Refusal kLineTooLong{414, "uri_too_long", "the request line is too long"};
constexpr Refusal kTooLarge{431, "headers_too_large", "the headers are too large"};
constexpr Refusal kTooMany{431, "headers_too_large", "too many headers"};

}  // namespace

bool is_token_character(char c) {
    const bool is_alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return is_alphanumeric ||
           (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

std::size_t HeadScanner::scan(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && !is_complete() && !refusal_) {
        ++bytes_;
        take(bytes[used++]);
        if (!refusal_ && bytes_ >= limits_->header_bytes && !is_complete()) refusal_ = &kTooLarge;
    }
    return used;
}

void HeadScanner::take(char c) {
    switch (place_) {
        case Place::method:
            return take_method(c);
        case Place::request_line:
            if (bytes_ > limits_->request_line_bytes && c != '\r') {
                refusal_ = &kLineTooLong;
                return;
            }
            // A tab is a separator to some readers and part of the target to others.
            if (c == '\t') refusal_ = &kControlCharacter;
            return take_line(c, Place::request_line);
        case Place::line_start:
            return take_line_start(c);
        case Place::field:
            return take_line(c, Place::field);
        case Place::line_feed:
            place_ = Place::line_start;
            if (c != '\n') refusal_ = &kBadLineEnd;
            return;
        case Place::end_line_feed:
            place_ = Place::end;
            if (c != '\n') refusal_ = &kBadLineEnd;
            return;
        case Place::end:
            return;
    }
}

void HeadScanner::take_method(char c) {
    if (c == ' ' && bytes_ > 1) {
        place_ = Place::request_line;
    } else if (!is_token_character(c) || bytes_ > kMaxMethodBytes) {
        refusal_ = &kNotHttp;
    }
}

void HeadScanner::take_line(char c, Place line) {
    const auto byte = static_cast<unsigned char>(c);
    place_ = c == '\r' ? Place::line_feed : line;
    if (c == '\n') {
        refusal_ = &kBadLineEnd;
    } else if ((byte < 0x20 && c != '\t' && c != '\r') || byte == 0x7f) {
        refusal_ = &kControlCharacter;
    }
}

void HeadScanner::take_line_start(char c) {
    if (c == '\r') {
        place_ = Place::end_line_feed;
    } else if (c == ' ' || c == '\t') {
        refusal_ = &kFolded;
    } else if (++fields_ > limits_->header_fields) {
        refusal_ = &kTooMany;
    } else {
        take_line(c, Place::field);
    }
}

}  // namespace roomcast::http

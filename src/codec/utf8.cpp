// SPDX-License-Identifier: Apache-2.0
#include "codec/utf8.hpp"

#include <cstddef>

#include <simdjson.h>

namespace roomcast {

namespace {

// Below this length the dispatch to the vectorised check costs more than it saves.
constexpr std::size_t kShortChunk = 32;

/// Where the last character of `text` may begin, if it may go on behind the end; else its size.
std::size_t start_of_unfinished_character(std::string_view text) {
    const std::size_t longest_unfinished = 3;
    for (std::size_t back = 1; back <= longest_unfinished && back <= text.size(); ++back) {
        const std::size_t position = text.size() - back;
        if (static_cast<unsigned char>(text[position]) >= 0xc0) return position;
    }
    return text.size();
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
    return simdjson::validate_utf8(text.data(), text.size());
}

bool Utf8Validator::consume(std::string_view chunk) {
    std::size_t checked = 0;
    while (missing_ > 0 && checked < chunk.size()) {
        if (!consume_bytes(chunk.substr(checked, 1))) return false;
        ++checked;
    }
    chunk.remove_prefix(checked);
    if (chunk.size() >= kShortChunk) {
        const std::size_t whole = start_of_unfinished_character(chunk);
        if (!is_valid_utf8(chunk.substr(0, whole))) return false;
        chunk.remove_prefix(whole);
    }
    return consume_bytes(chunk);
}

bool Utf8Validator::consume_bytes(std::string_view bytes) {
    for (const char character : bytes) {
        const auto byte = static_cast<std::uint8_t>(character);
        if (missing_ > 0) {
            if (byte < low_ || byte > high_) return false;
            low_ = 0x80;
            high_ = 0xbf;
            --missing_;
        } else if (byte < 0x80) {
            continue;
        } else if (byte < 0xc2 || byte > 0xf4) {
            return false;  // a stray continuation, an overlong form, or above U+10FFFF
        } else {
            missing_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
            // The second byte rules out overlong forms, surrogates and what is above U+10FFFF.
            if (byte == 0xe0) low_ = 0xa0;
            if (byte == 0xed) high_ = 0x9f;
            if (byte == 0xf0) low_ = 0x90;
            if (byte == 0xf4) high_ = 0x8f;
        }
    }
    return true;
}

}  // namespace roomcast

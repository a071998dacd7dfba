// SPDX-License-Identifier: Apache-2.0
// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstdint>
#include <string_view>

namespace roomcast {

[[nodiscard]] bool is_valid_utf8(std::string_view text);

/// Checks text that arrives in chunks, which may be cut within a character.
class Utf8Validator {
public:
    /// False as soon as no continuation could make the text valid: the chunk that holds the
    /// offending byte fails, even where its character is still incomplete. Not to be called again
    /// after that.
    [[nodiscard]] bool consume(std::string_view chunk);

    /// Whether the text so far ends between two characters.
    [[nodiscard]] bool is_complete() const { return missing_ == 0; }

private:
    [[nodiscard]] bool consume_bytes(std::string_view bytes);

    std::uint8_t missing_ = 0;  // continuation bytes that the current character still needs
    std::uint8_t low_ = 0x80;   // what its next byte may be
    std::uint8_t high_ = 0xbf;
};

}  // namespace roomcast

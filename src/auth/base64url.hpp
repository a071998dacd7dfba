// SPDX-License-Identifier: Apache-2.0
// The text form of the parts of a token and of the numbers in a key set (RFC 7515 section 2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace roomcast {

/// The bytes of unpadded base64url text (RFC 4648 section 5). Nothing for padding, blanks, other
/// characters, an impossible length, and bits set behind the last byte: one value has one text, so
/// that a token cannot be rewritten into another that verifies too.
[[nodiscard]] std::optional<std::string> decode_base64url(std::string_view text);

/// Without padding.
[[nodiscard]] std::string encode_base64url(std::string_view bytes);

}  // namespace roomcast

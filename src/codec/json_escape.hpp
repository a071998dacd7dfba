// SPDX-License-Identifier: Apache-2.0
// The escapes in JSON strings (RFC 8259 section 7).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace roomcast::json {

/// The length of the escape that starts behind a backslash: one character, `u` and four digits, or
/// a pair of surrogates as one. 0 for what RFC 8259 does not know, and for half a pair. Looks no
/// further than 11 bytes ahead.
[[nodiscard]] std::size_t escape_length(const char* escape);

/// Appends the text that a checked string stands for. `body` is what stands between its quotes.
void append_unescaped(std::string& out, std::string_view body);

}  // namespace roomcast::json

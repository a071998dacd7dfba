// SPDX-License-Identifier: Apache-2.0
// How one log line is spelled: pure functions, used by log.cpp and wherever else text of strangers
// is shown to people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "util/log.hpp"

namespace roomcast::log {

/// `text` with everything escaped that could confuse a terminal or forge a line: C0 and C1 control
/// characters, DEL, line and paragraph separators, text direction marks, bytes that are no UTF-8,
/// backslashes. Cut to `max_bytes` of output, with "…" at the end.
[[nodiscard]] std::string escape_for_terminal(std::string_view text,
                                              std::size_t max_bytes = kMaxValueBytes);

/// `2026-01-31T23:59:59.123Z` of a time in Unix milliseconds.
[[nodiscard]] std::string rfc3339(std::int64_t unix_ms);

/// One line with its line feed, at most kMaxLineBytes. `format` is text or json.
[[nodiscard]] std::string make_line(
    Format format, std::int64_t unix_ms, Level level, std::string_view message, Fields fields);

}  // namespace roomcast::log

// SPDX-License-Identifier: Apache-2.0
// From the text of a setting to its value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.hpp"

namespace roomcast {

/// Decimal digits only, and within the bounds.
[[nodiscard]] std::optional<std::int64_t> parse_whole_number(std::string_view text,
                                                             std::int64_t lowest,
                                                             std::int64_t highest);

/// true, false, 1, 0, yes, no, on, off, in any case.
[[nodiscard]] std::optional<bool> parse_flag(std::string_view text);

/// `:8080`, `host:8080`, `127.0.0.1:0`, `[::1]:8080`.
[[nodiscard]] std::optional<ListenAddress> parse_listen_address(std::string_view text);

/// The entries of a list separated by commas, without blanks around them and without empty ones.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);

/// An absolute http or https URL without user information, blanks or a fragment.
[[nodiscard]] bool is_http_url(std::string_view text);

/// A token of RFC 6265 and RFC 9110: the name of a cookie.
[[nodiscard]] bool is_cookie_name(std::string_view text);

/// Neither empty nor with control characters.
[[nodiscard]] bool is_plain_text(std::string_view text);

}  // namespace roomcast

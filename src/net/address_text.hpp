// SPDX-License-Identifier: Apache-2.0
// The parts that addresses of servers share, whatever their scheme.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/loop.hpp"
#include "util/result.hpp"

namespace roomcast::net {

/// With each `%XX` replaced by its byte; nothing when a '%' is not followed by two hex digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// Reads `host`, `host:port` or `:port` (of localhost); IPv6 addresses stand in brackets. Error: a
/// sentence that does not repeat the text.
[[nodiscard]] Outcome<Endpoint, std::string> parse_endpoint(std::string_view text,
                                                            std::uint16_t default_port);

}  // namespace roomcast::net

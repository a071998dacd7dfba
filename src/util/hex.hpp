// SPDX-License-Identifier: Apache-2.0
// 64-bit numbers as text: node ids, session ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace roomcast {

/// `value` as 16 lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(std::uint64_t value);
/// Reads exactly 16 hexadecimal digits.
[[nodiscard]] std::optional<std::uint64_t> parse_hex(std::string_view text);

}  // namespace roomcast

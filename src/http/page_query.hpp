// SPDX-License-Identifier: Apache-2.0
// Lists that are answered page by page: `limit` and `cursor` of a query.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "http/uri.hpp"

namespace roomcast::http {

inline constexpr std::size_t kDefaultPage = 100;
inline constexpr std::size_t kMaxPage = 1'000;

/// The query's `limit`, kDefaultPage without one; nothing unless it is 1 to kMaxPage.
[[nodiscard]] std::optional<std::size_t> read_limit(const Query& query);

/// The first value of `name`, empty without one.
[[nodiscard]] std::string read_text(const Query& query, std::string_view name);

/// Appends `,"next_cursor":` with the cursor, or null on the last page.
void append_next_cursor(std::string& out, const std::string& cursor);

}  // namespace roomcast::http

// SPDX-License-Identifier: Apache-2.0
#include "http/page_query.hpp"

#include <charconv>

#include "codec/json_writer.hpp"

namespace roomcast::http {

std::optional<std::size_t> read_limit(const Query& query) {
    const std::string* text = query.find("limit");
    if (!text) return kDefaultPage;
    std::size_t limit = 0;
    const char* const end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, limit);
    if (read.ec != std::errc() || read.ptr != end || limit < 1 || limit > kMaxPage) {
        return std::nullopt;
    }
    return limit;
}

std::string read_text(const Query& query, std::string_view name) {
    const std::string* text = query.find(name);
    return text ? *text : std::string();
}

void append_next_cursor(std::string& out, const std::string& cursor) {
    out += R"(,"next_cursor":)";
    if (cursor.empty()) {
        out += "null";
    } else {
        json::append_string(out, cursor);
    }
}

}  // namespace roomcast::http

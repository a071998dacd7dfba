// SPDX-License-Identifier: Apache-2.0
#include "codec/json_writer.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

namespace roomcast::json {

namespace {

bool must_escape(char character) {
    return static_cast<unsigned char>(character) < 0x20 || character == '"' || character == '\\';
}

void append_escape(std::string& out, char character) {
    static constexpr char kDigits[] = "0123456789abcdef";
    out += '\\';
    switch (character) {
        case '"':
        case '\\':
            out += character;
            break;
        case '\b':
            out += 'b';
            break;
        case '\f':
            out += 'f';
            break;
        case '\n':
            out += 'n';
            break;
        case '\r':
            out += 'r';
            break;
        case '\t':
            out += 't';
            break;
        default:
            out += "u00";
            out += kDigits[(character >> 4) & 0xf];
            out += kDigits[character & 0xf];
    }
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
    out += '"';
    auto rest = text.begin();
    while (true) {
        const auto special = std::find_if(rest, text.end(), must_escape);
        out.append(rest, special);
        if (special == text.end()) break;
        append_escape(out, *special);
        rest = special + 1;
    }
    out += '"';
}

void append_integer(std::string& out, std::int64_t value) {
    char digits[20];  // the longest is -9223372036854775808
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
    out.append(digits, end);
}

void append_one_line(std::string& out, std::string_view raw) {
    const std::size_t start = out.size();
    out += raw;
    const auto appended = out.begin() + static_cast<std::ptrdiff_t>(start);
    std::replace(appended, out.end(), '\n', ' ');
    std::replace(appended, out.end(), '\r', ' ');
}

std::string& ObjectWriter::key(std::string_view name) {
    const std::string_view before = std::exchange(is_first_, false) ? "\"" : ",\"";
    return out_.append(before).append(name).append("\":");
}

}  // namespace roomcast::json

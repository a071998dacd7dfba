// SPDX-License-Identifier: Apache-2.0
#include "codec/json_escape.hpp"

#include <cstdint>

namespace roomcast::json {

namespace {

constexpr std::size_t kUnitLength = 5;                    // uXXXX
constexpr std::size_t kPairLength = 2 * kUnitLength + 1;  // uXXXX\uXXXX

/// The value of a hexadecimal digit, or -1.
int hex_value(char character) {
    if (character >= '0' && character <= '9') return character - '0';
    const char lower = static_cast<char>(character | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The code unit of uXXXX, or -1. Reads no further than the first wrong digit.
std::int32_t read_unit(const char* escape) {
    std::int32_t unit = 0;
    for (std::size_t i = 1; i < kUnitLength; ++i) {
        const int digit = hex_value(escape[i]);
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

bool is_high_surrogate(std::int32_t unit) {
    return unit >= 0xd800 && unit < 0xdc00;
}

bool is_low_surrogate(std::int32_t unit) {
    return unit >= 0xdc00 && unit < 0xe000;
}

void append_utf8(std::string& out, std::int32_t code_point) {
    const auto append = [&out](std::int32_t byte) { out += static_cast<char>(byte); };
    const auto append_tail = [&](int shift) { append(0x80 | ((code_point >> shift) & 0x3f)); };
    if (code_point < 0x80) {
        append(code_point);
        return;
    }
    if (code_point < 0x800) {
        append(0xc0 | (code_point >> 6));
    } else if (code_point < 0x10000) {
        append(0xe0 | (code_point >> 12));
        append_tail(6);
    } else {
        append(0xf0 | (code_point >> 18));
        append_tail(12);
        append_tail(6);
    }
    append_tail(0);
}

void append_escape(std::string& out, const char* escape) {
    switch (*escape) {
        case 'b':
            out += '\b';
            return;
        case 'f':
            out += '\f';
            return;
        case 'n':
            out += '\n';
            return;
        case 'r':
            out += '\r';
            return;
        case 't':
            out += '\t';
            return;
        case 'u':
            break;
        default:
            out += *escape;
            return;
    }
    std::int32_t code_point = read_unit(escape);
    if (is_high_surrogate(code_point)) {
        const std::int32_t low = read_unit(escape + kUnitLength + 1);
        code_point = 0x10000 + ((code_point - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(out, code_point);
}

}  // namespace

std::size_t escape_length(const char* escape) {
    if (*escape != 'u') {
        static constexpr std::string_view kShort = "\"\\/bfnrt";
        return kShort.find(*escape) == std::string_view::npos ? 0 : 1;
    }
    const std::int32_t unit = read_unit(escape);
    if (unit < 0 || is_low_surrogate(unit)) return 0;
    if (!is_high_surrogate(unit)) return kUnitLength;
    const char* const second = escape + kUnitLength;
    if (second[0] != '\\' || second[1] != 'u') return 0;
    return is_low_surrogate(read_unit(second + 1)) ? kPairLength : 0;
}

void append_unescaped(std::string& out, std::string_view body) {
    while (true) {
        const std::size_t backslash = body.find('\\');
        out += body.substr(0, backslash);
        if (backslash == std::string_view::npos) return;
        const char* const escape = body.data() + backslash + 1;
        append_escape(out, escape);
        body.remove_prefix(backslash + 1 + escape_length(escape));
    }
}

}  // namespace roomcast::json

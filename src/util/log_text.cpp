// SPDX-License-Identifier: Apache-2.0
#include "util/log_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

namespace roomcast::log {

namespace {

constexpr std::string_view kEllipsis = "…";
constexpr std::string_view kHexDigits = "0123456789abcdef";

/// One character of possibly broken UTF-8.
struct Character {
    char32_t code = 0;
    std::size_t bytes = 1;
    bool is_valid = false;
};

/// The character that `text`, which is not empty, starts with (RFC 3629: no surrogates, no overlong
/// forms). A byte that starts none is a broken character of its own.
Character first_character(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1, true};
    const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
    char32_t code = lead & (0xff >> (bytes + 1));
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {};
        code = (code << 6) | (byte(i) & 0x3f);
    }
    static constexpr std::array<char32_t, 5> kLowest = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLowest[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
    return {code, bytes, true};
}

/// Characters that move a cursor, end a line or reorder what stands beside them.
bool is_unsafe(char32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c || code == 0x200e ||
           code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

void append_hex(std::string& out, char32_t code, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
        out += kHexDigits[(code >> shift) & 0xf];
    }
}

/// Both ways of writing differ only in what stands for a character that cannot stay.
using AppendEscape = void (*)(std::string& out, char32_t code, bool is_valid);

void append_json_escape(std::string& out, char32_t code, bool is_valid) {
    if (!is_valid) {
        out += "\\ufffd";
    } else if (code == '"' || code == '\\') {
        out += '\\';
        out += static_cast<char>(code);
    } else if (code == '\n') {
        out += "\\n";
    } else {
        out += "\\u";
        append_hex(out, code, 4);
    }
}

void append_text_escape(std::string& out, char32_t code, bool is_valid) {
    if (is_valid && (code == '"' || code == '\\')) {
        out += '\\';
        out += static_cast<char>(code);
    } else if (code == '\n') {
        out += "\\n";
    } else if (code < 0x100) {
        out += "\\x";
        append_hex(out, code, 2);
    } else {
        out += "\\u";
        append_hex(out, code, 4);
    }
}

void append_escaped(std::string& out,
                    std::string_view text,
                    std::size_t max_bytes,
                    AppendEscape escape,
                    bool is_quoted) {
    const std::size_t start = out.size();
    std::size_t last_fit = start;  // the end that leaves room for the ellipsis
    while (!text.empty()) {
        Character character = first_character(text);
        if (!character.is_valid) character.code = static_cast<unsigned char>(text[0]);
        const bool is_special = character.code == '\\' || (is_quoted && character.code == '"');
        if (!character.is_valid || is_special || is_unsafe(character.code)) {
            escape(out, character.code, character.is_valid);
        } else {
            out += text.substr(0, character.bytes);
        }
        text.remove_prefix(character.bytes);
        if (out.size() - start + kEllipsis.size() <= max_bytes) last_fit = out.size();
        if (out.size() - start > max_bytes) {
            out.resize(last_fit);
            out += kEllipsis;
            return;
        }
    }
}

std::string_view level_name(Level level) {
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warn:
            return "warn";
        case Level::error:
            return "error";
        case Level::off:
            break;
    }
    return "off";
}

std::string_view level_column(Level level) {
    switch (level) {
        case Level::debug:
            return "DEBUG";
        case Level::info:
            return "INFO ";
        case Level::warn:
            return "WARN ";
        case Level::error:
            return "ERROR";
        case Level::off:
            break;
    }
    return "OFF  ";
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    append_escaped(out, text, kMaxValueBytes, append_json_escape, true);
    out += '"';
}

/// Words stand bare, anything else in quotes, so that `key=value` can be read back.
void append_text_value(std::string& out, std::string_view text) {
    const bool is_bare = !text.empty() && text.find_first_of(" \"=\\") == std::string_view::npos;
    if (!is_bare) out += '"';
    append_escaped(out, text, kMaxValueBytes, append_text_escape, true);
    if (!is_bare) out += '"';
}

template <class Number>
void append_number(std::string& out, Number number) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

void append_value(std::string& out, Format format, const Field::Value& value) {
    if (const auto* text = std::get_if<std::string_view>(&value)) {
        format == Format::json ? append_json_string(out, *text) : append_text_value(out, *text);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
        out += *flag ? "true" : "false";
    } else if (const auto* real = std::get_if<double>(&value)) {
        // JSON has no word for infinity and "not a number".
        std::isfinite(*real) ? append_number(out, *real) : void(out += "null");
    } else if (const auto* negative = std::get_if<std::int64_t>(&value)) {
        append_number(out, *negative);
    } else {
        append_number(out, std::get<std::uint64_t>(value));
    }
}

}  // namespace

std::string escape_for_terminal(std::string_view text, std::size_t max_bytes) {
    std::string out;
    append_escaped(out, text, max_bytes, append_text_escape, false);
    return out;
}

std::string rfc3339(std::int64_t unix_ms) {
    const std::int64_t milliseconds = ((unix_ms % 1'000) + 1'000) % 1'000;
    const auto seconds = static_cast<std::time_t>((unix_ms - milliseconds) / 1'000);
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    std::array<char, 40> text;
    std::string out(text.data(),
                    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.", &utc));
    out += static_cast<char>('0' + milliseconds / 100);
    out += static_cast<char>('0' + milliseconds / 10 % 10);
    out += static_cast<char>('0' + milliseconds % 10);
    out += 'Z';
    return out;
}

std::string make_line(
    Format format, std::int64_t unix_ms, Level level, std::string_view message, Fields fields) {
    const bool is_json = format == Format::json;
    std::string line;
    line.reserve(256);
    if (is_json) {
        line += R"({"ts":")";
        line += rfc3339(unix_ms);
        line += R"(","level":")";
        line += level_name(level);
        line += R"(","msg":)";
        append_json_string(line, message);
    } else {
        line += rfc3339(unix_ms);
        line += ' ';
        line += level_column(level);
        line += ' ';
        append_escaped(line, message, kMaxValueBytes, append_text_escape, false);
    }
    const std::string_view end = is_json ? "}\n" : "\n";
    for (const Field& field : fields) {
        const std::size_t before = line.size();
        line += is_json ? ",\"" : " ";
        line += field.key();
        line += is_json ? "\":" : "=";
        append_value(line, format, field.value());
        if (line.size() + end.size() > kMaxLineBytes) {
            line.resize(before);
            break;
        }
    }
    line += end;
    return line;
}

}  // namespace roomcast::log

// SPDX-License-Identifier: Apache-2.0
// Reading a checked document. Nothing here looks for errors: parse_object() has refused them.
#include <charconv>

#include "codec/json.hpp"
#include "codec/json_bytes.hpp"
#include "codec/json_escape.hpp"
#include "util/assert.hpp"

namespace roomcast::json {

namespace {

bool is_blank(char character) {
    return character == ' ' || character == '\n' || character == '\r' || character == '\t';
}

const char* skip_blanks(const char* next) {
    while (is_blank(*next))
        ++next;
    return next;
}

/// The first quote or backslash from `next` on, inside a string.
const char* find_stop(const char* next) {
    while (true) {
        const EightBytes bytes(next);
        const auto stops = bytes.equal_to('"') | bytes.equal_to('\\');
        if (stops != 0) return next + EightBytes::first(stops);
        next += 8;
    }
}

/// From behind the opening quote to behind the closing one.
const char* skip_string(const char* next) {
    while (true) {
        next = find_stop(next);
        if (*next == '"') return next + 1;
        next += 2;  // of an escape only its second character can look like an end
    }
}

/// From behind the opening bracket to behind the closing one.
const char* skip_container(const char* next) {
    for (std::size_t depth = 1; depth > 0;) {
        const EightBytes bytes(next);
        const auto stops =
            bytes.equal_to('"') | bytes.equal_in_lower_case('{') | bytes.equal_in_lower_case('}');
        if (stops == 0) {
            next += 8;
            continue;
        }
        next += EightBytes::first(stops);
        switch (*next++) {
            case '"':
                next = skip_string(next);
                break;
            case '{':
            case '[':
                ++depth;
                break;
            default:
                --depth;
                break;
        }
    }
    return next;
}

/// Numbers and literals end at a blank, comma or bracket.
const char* skip_scalar(const char* next) {
    while (!is_blank(*next) && *next != ',' && *next != '}' && *next != ']')
        ++next;
    return next;
}

const char* skip_value(const char* next) {
    switch (*next) {
        case '"':
            return skip_string(next + 1);
        case '{':
        case '[':
            return skip_container(next + 1);
        default:
            return skip_scalar(next);
    }
}

}  // namespace

std::string_view describe(Kind kind) {
    switch (kind) {
        case Kind::null:
            return "null";
        case Kind::boolean:
            return "a boolean";
        case Kind::number:
            return "a number";
        case Kind::string:
            return "a string";
        case Kind::array:
            return "an array";
        case Kind::object:
            return "an object";
    }
    ASSERT(false);
}

Kind Value::kind() const {
    switch (raw_.front()) {
        case 'n':
            return Kind::null;
        case 't':
        case 'f':
            return Kind::boolean;
        case '"':
            return Kind::string;
        case '[':
            return Kind::array;
        case '{':
            return Kind::object;
        default:
            return Kind::number;
    }
}

std::optional<bool> Value::to_bool() const {
    if (!is(Kind::boolean)) return std::nullopt;
    return raw_.front() == 't';
}

std::optional<std::int64_t> Value::to_integer() const {
    std::int64_t value = 0;
    const char* const end = raw_.data() + raw_.size();
    const auto [behind, error] = std::from_chars(raw_.data(), end, value);
    if (error != std::errc() || behind != end) return std::nullopt;
    return value;
}

std::optional<double> Value::to_double() const {
    if (!is(Kind::number)) return std::nullopt;
    double value = 0;
    const char* const end = raw_.data() + raw_.size();
    if (std::from_chars(raw_.data(), end, value).ec != std::errc()) return std::nullopt;
    return value;
}

std::optional<std::string> Value::to_string() const {
    std::string scratch;
    scratch.reserve(raw_.size());
    const auto view = to_view(scratch);
    if (!view) return std::nullopt;
    return std::string(*view);
}

std::optional<std::string_view> Value::to_view(std::string& scratch) const {
    if (!is(Kind::string)) return std::nullopt;
    const std::string_view body = raw_.substr(1, raw_.size() - 2);
    if (*find_stop(body.data()) == '"') return body;
    // The unescaped text is shorter. Growing would leave earlier views of `scratch` dangling.
    ASSERT(scratch.capacity() - scratch.size() >= body.size());
    const std::size_t start = scratch.size();
    append_unescaped(scratch, body);
    return std::string_view(scratch).substr(start);
}

Entries<Member> Value::members() const {
    return Entries<Member>(is(Kind::object) ? Cursor(raw_) : Cursor());
}

Entries<Value> Value::elements() const {
    return Entries<Value>(is(Kind::array) ? Cursor(raw_) : Cursor());
}

Cursor::Cursor(std::string_view container) {
    const char* first = skip_blanks(container.data() + 1);
    if (*first != '}' && *first != ']') next_ = first;
}

Value Cursor::take() {
    const char* const start = next_;
    const char* const end = skip_value(start);
    const char* const behind = skip_blanks(end);
    next_ = *behind == ',' || *behind == ':' ? skip_blanks(behind + 1) : nullptr;
    return Value(std::string_view(start, static_cast<std::size_t>(end - start)));
}

}  // namespace roomcast::json

// SPDX-License-Identifier: Apache-2.0
// JSON out: text is appended to a string, without a tree in between.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace roomcast::json {

/// Appends `text` as a JSON string, with quotes and the escapes that RFC 8259 section 7 demands.
/// `text` is UTF-8 and passes through unchanged otherwise.
void append_string(std::string& out, std::string_view text);

void append_integer(std::string& out, std::int64_t value);

/// Appends checked JSON text with CR and LF turned into spaces. They stand only between tokens:
/// inside a string they are always escaped.
void append_one_line(std::string& out, std::string_view raw);

/// Appends one object field by field. The names are ours and are written as they are.
class ObjectWriter {
public:
    /// Writes the opening brace; end() writes the closing one.
    explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }

    ObjectWriter& string(std::string_view name, std::string_view text) {
        append_string(key(name), text);
        return *this;
    }

    ObjectWriter& integer(std::string_view name, std::int64_t value) {
        append_integer(key(name), value);
        return *this;
    }

    ObjectWriter& boolean(std::string_view name, bool value) {
        return raw(name, value ? "true" : "false");
    }

    /// `value` is JSON text of any kind.
    ObjectWriter& raw(std::string_view name, std::string_view value) {
        key(name) += value;
        return *this;
    }

    /// Writes the name alone; the caller appends the value to the string that is returned.
    std::string& key(std::string_view name);

    void end() { out_ += '}'; }

private:
    std::string& out_;
    bool is_first_ = true;
};

}  // namespace roomcast::json

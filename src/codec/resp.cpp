// SPDX-License-Identifier: Apache-2.0
// What is read off a reply, and how a command is spelt. The reader is in resp_reader.cpp.
#include "codec/resp.hpp"

#include <charconv>

namespace roomcast::resp {

namespace {

constexpr std::string_view kLineEnd = "\r\n";

/// The first line of a bulk string or an array: its type and a length.
void append_header(std::string& out, char type, std::size_t length) {
    out.push_back(type);
    out.append(std::to_string(length));
    out.append(kLineEnd);
}

}  // namespace

bool Value::has_code(std::string_view code) const {
    return is_error() && text.starts_with(code) &&
           (text.size() == code.size() || text[code.size()] == ' ');
}

const Value* Value::find(std::string_view key) const {
    if (kind != Kind::map && kind != Kind::array) return nullptr;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        if (items[i].kind == Kind::string && items[i].text == key) return &items[i + 1];
    }
    return nullptr;
}

Command::Command(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words)
        add(word);
}

Command& Command::add(std::string_view word) {
    ++words_;
    append_header(body_, '$', word.size());
    body_.append(word);
    body_.append(kLineEnd);
    return *this;
}

Command& Command::add(std::int64_t number) {
    return add(std::to_string(number));
}

void Command::append_to(std::string& out) const {
    append_header(out, '*', words_);
    out.append(body_);
}

std::string_view Command::name() const {
    if (words_ == 0) return {};
    std::size_t size = 0;
    const char* const digits = body_.data() + 1;  // behind the '$'
    const char* const end = std::from_chars(digits, digits + body_.size() - 1, size).ptr;
    return {end + kLineEnd.size(), size};
}

}  // namespace roomcast::resp

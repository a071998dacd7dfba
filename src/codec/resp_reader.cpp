// SPDX-License-Identifier: Apache-2.0
// Replies of a Redis server. A reply grows in its place: slot_ points at the value that comes next,
// open_ at the arrays around it, so that nothing is moved, read twice or done by recursion.
#include <algorithm>
#include <charconv>
#include <utility>

#include "codec/resp.hpp"

namespace roomcast::resp {

namespace {

/// Room for each number that is a length, a count or an integer.
constexpr std::size_t kNumberBytes = 32;
/// Of a list that begins; more comes with the items. A message has three.
constexpr std::size_t kFirstItems = 4;
/// An emptied buffer that has grown beyond is given back.
constexpr std::size_t kKeptBytes = 1'048'576;
/// Of a verbatim string, before its text: "txt:" or "mkd:".
constexpr std::size_t kFormatBytes = 4;

bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

/// Cuts a sign off.
void skip_sign(std::string_view& text) {
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
}

/// Cuts digits off, and says whether there was one.
bool skip_digits(std::string_view& text) {
    const auto end = std::ranges::find_if_not(text, is_digit);
    const auto digits = static_cast<std::size_t>(end - text.begin());
    text.remove_prefix(digits);
    return digits > 0;
}

bool is_whole_number(std::string_view text) {
    skip_sign(text);
    return skip_digits(text) && text.empty();
}

bool is_double(std::string_view text) {
    skip_sign(text);
    if (text == "inf" || text == "nan") return true;  // "-nan" came from servers before 7.2
    if (!skip_digits(text)) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (!skip_digits(text)) return false;
    }
    return text.empty() ||
           ((text.front() == 'e' || text.front() == 'E') && is_whole_number(text.substr(1)));
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    if (!is_whole_number(text)) return std::nullopt;
    if (text.front() == '+') text.remove_prefix(1);
    return parse_number<std::int64_t>(text);
}

/// The longest line of a type, without the type and the line's end; nothing for an unknown type.
std::optional<std::size_t> longest_line(char type, const ReaderLimits& limits) {
    switch (type) {
        case ':':
        case '$':
        case '!':
        case '=':
        case '*':
        case '~':
        case '>':
        case '%':
        case '|':
        case '_':
        case '#':
            return kNumberBytes;
        case '+':
        case '-':
        case '(':
        case ',':
            return limits.text_bytes;
        default:
            return std::nullopt;
    }
}

std::string unknown_type(char type) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto byte = static_cast<std::uint8_t>(type);
    return std::string("the byte 0x") + kDigits[byte >> 4] + kDigits[byte & 0xf] +
           " begins no reply";
}

Kind kind_of(char type) {
    switch (type) {
        case '!':
            return Kind::error;
        case '*':
            return Kind::array;
        case '~':
            return Kind::set;
        case '>':
            return Kind::push;
        case '%':
        case '|':
            return Kind::map;
        default:
            return Kind::string;
    }
}

}  // namespace

void Reader::feed(std::string_view bytes) {
    if (!error_.empty()) return;
    const std::size_t unread = buffer_.size() - at_;
    if (unread == 0) {
        buffer_.clear();
        at_ = 0;
        if (buffer_.capacity() > kKeptBytes) buffer_.shrink_to_fit();
    } else if (at_ >= unread) {  // what moves is never more than what was read since
        buffer_.erase(0, at_);
        at_ = 0;
    }
    buffer_.append(bytes);
}

Outcome<std::optional<Value>, ReadError> Reader::next() {
    while (error_.empty()) {
        Step step = slot_ ? Step::go_on : begin_reply();
        if (step == Step::go_on) step = text_type_ != 0 ? read_text() : read_line();
        if (step == Step::need_more) return std::optional<Value>();
        if (step == Step::whole_reply) {
            slot_ = nullptr;
            return std::optional<Value>(std::move(*reply_));
        }
    }
    return error_;
}

Reader::Step Reader::begin_reply() {
    if (at_ == buffer_.size()) return Step::need_more;
    if (!reply_) reply_ = std::make_unique<Value>();
    *reply_ = Value{};
    slot_ = reply_.get();
    total_bytes_ = 0;
    return count(sizeof(Value)) ? Step::go_on : fail("a reply is too large");
}

Reader::Step Reader::read_line() {
    const std::string_view unread = std::string_view(buffer_).substr(at_);
    if (unread.empty()) return Step::need_more;
    const char type = unread.front();
    const std::optional<std::size_t> longest = longest_line(type, limits_);
    if (!longest) return fail(unknown_type(type));
    const std::size_t line_feed = unread.find('\n', searched_);
    const std::size_t size = line_feed == std::string_view::npos ? unread.size() : line_feed + 1;
    constexpr std::size_t kFrame = 3;  // type, CR, LF
    if (size > kFrame && size - kFrame > *longest) return fail("a line is too long");
    if (line_feed == std::string_view::npos) {
        searched_ = unread.size();
        return Step::need_more;
    }
    if (size < kFrame) return fail("a line does not end in CR LF");
    const std::string_view line = unread.substr(1, size - kFrame);
    if (unread[line_feed - 1] != '\r' || line.find('\r') != std::string_view::npos) {
        return fail("a line does not end in CR LF");
    }
    at_ += size;
    searched_ = 0;
    return on_line(type, line);
}

Reader::Step Reader::on_line(char type, std::string_view line) {
    switch (type) {
        case '+':
            return take_text(Kind::string, line);
        case '-':
            return take_text(Kind::error, line);
        case ':': {
            const auto integer = parse_integer(line);
            if (!integer) return fail("an integer is no integer of 64 bits");
            slot_->kind = Kind::integer;
            slot_->integer = *integer;
            return end_value();
        }
        case ',':
            if (!is_double(line)) return fail("a double is no number");
            return take_text(Kind::number, line);
        case '(':
            if (!is_whole_number(line)) return fail("a big number is no number");
            return take_text(Kind::string, line);
        case '#':
            if (line != "t" && line != "f") return fail("a boolean is neither t nor f");
            slot_->kind = Kind::boolean;
            slot_->integer = line == "t" ? 1 : 0;
            return end_value();
        case '_':
            return line.empty() ? end_value() : fail("a null is followed by text");
        case '$':
        case '!':
        case '=':
            return begin_text(type, line);
        default:
            return begin_items(type, line);
    }
}

Reader::Step Reader::take_text(Kind kind, std::string_view text) {
    if (!count(text.size())) return fail("a reply is too large");
    slot_->kind = kind;
    slot_->text = text;
    return end_value();
}

Reader::Step Reader::begin_text(char type, std::string_view length) {
    if (type == '$' && length == "-1") return end_value();
    const auto size = parse_number<std::size_t>(length);
    if (!size) return fail("a string's length is no number");
    if (*size > limits_.text_bytes) return fail("a string is too long");
    if (!count(*size)) return fail("a reply is too large");
    if (type == '=' && *size < kFormatBytes) return fail("a verbatim string has no format");
    slot_->kind = kind_of(type);
    text_type_ = type;
    missing_bytes_ = *size;
    return Step::go_on;
}

Reader::Step Reader::read_text() {
    constexpr std::string_view kLineEnd = "\r\n";
    std::string& text = slot_->text;
    const std::size_t size = std::min(missing_bytes_, buffer_.size() - at_);
    text.append(buffer_, at_, size);
    at_ += size;
    missing_bytes_ -= size;
    if (buffer_.size() - at_ < kLineEnd.size()) return Step::need_more;
    if (buffer_.compare(at_, kLineEnd.size(), kLineEnd) != 0) {
        return fail("a string is longer than its length");
    }
    at_ += kLineEnd.size();
    if (text_type_ == '=') {
        if (text[kFormatBytes - 1] != ':') return fail("a verbatim string has no format");
        text.erase(0, kFormatBytes);
    }
    text_type_ = 0;
    return end_value();
}

Reader::Step Reader::begin_items(char type, std::string_view count_text) {
    if (type == '*' && count_text == "-1") return end_value();
    auto announced = parse_number<std::size_t>(count_text);
    if (!announced) return fail("a number of items is no number");
    const bool is_attribute = type == '|';
    const std::size_t each = type == '%' || is_attribute ? 2 : 1;
    if (*announced > limits_.items / each) return fail("an array has too many items");
    const std::size_t missing = *announced * each;
    // They cannot all fit: better known before they are sent.
    if (missing > (limits_.total_bytes - total_bytes_) / sizeof(Value)) {
        return fail("a reply is too large");
    }
    if (open_.size() >= limits_.depth) return fail("arrays are nested too deeply");
    // An attribute gives its slot back; counted, a row of empty ones comes to an end.
    if (is_attribute && !count(sizeof(Value))) return fail("a reply is too large");
    if (missing == 0 && is_attribute) return Step::go_on;
    slot_->kind = kind_of(type);
    if (missing == 0) return end_value();
    open_.push_back({slot_, missing, is_attribute});
    slot_->items.reserve(std::min(missing, kFirstItems));
    return open_slot(slot_->items);
}

Reader::Step Reader::open_slot(std::vector<Value>& items) {
    if (!count(sizeof(Value))) return fail("a reply is too large");
    slot_ = &items.emplace_back();
    return Step::go_on;
}

/// The value in slot_ is whole, and with it perhaps some of those around it.
Reader::Step Reader::end_value() {
    while (!open_.empty()) {
        Open& innermost = open_.back();
        if (--innermost.missing > 0) return open_slot(innermost.value->items);
        const Open ended = innermost;
        open_.pop_back();
        if (ended.is_attribute) {
            slot_ = ended.value;
            *slot_ = Value{};
            return Step::go_on;
        }
    }
    return Step::whole_reply;
}

/// Adds to the size of the reply; false, and nothing added, beyond the limit.
bool Reader::count(std::size_t bytes) {
    if (bytes > limits_.total_bytes - total_bytes_) return false;
    total_bytes_ += bytes;
    return true;
}

Reader::Step Reader::fail(ReadError error) {
    error_ = std::move(error);
    buffer_ = {};
    at_ = 0;
    slot_ = nullptr;
    open_.clear();
    reply_.reset();
    return Step::failed;
}

}  // namespace roomcast::resp

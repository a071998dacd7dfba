// SPDX-License-Identifier: Apache-2.0
// The check of a whole document, by the grammar of RFC 8259.
#include "codec/json.hpp"

#include "codec/json_bytes.hpp"
#include "codec/json_escape.hpp"
#include "codec/utf8.hpp"
#include "util/assert.hpp"

namespace roomcast::json {

namespace {

constexpr bool is_blank(char character) {
    return character == ' ' || character == '\n' || character == '\r' || character == '\t';
}

constexpr bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

/// Moves over text and stops at the first fault. Recursion is bounded by kMaxDepth. What stands
/// behind the end may look like JSON too (the next message often does): only words of eight bytes
/// and escapes reach there, and what they find beyond the end never counts.
class Scanner {
public:
    Scanner(std::string_view text, const OnMember& on_member)
        : begin_(text.data()),
          next_(begin_),
          end_(begin_ + text.size()),
          on_member_(on_member ? &on_member : nullptr) {}

    [[nodiscard]] bool scan_document() {
        skip_blanks();
        if (next_ == end_) return fail(Problem::empty);
        if (*next_ != '{') return fail(Problem::not_an_object);
        const char* const start = next_;
        if (!scan_object(1)) return false;
        root_ = since(start);
        skip_blanks();
        if (next_ != end_) return fail(Problem::text_behind);
        // Bytes beyond ASCII are refused everywhere but in strings.
        const std::string_view text(begin_, static_cast<std::size_t>(end_ - begin_));
        return (beyond_ascii_ == 0 || is_valid_utf8(text)) || fail_at(begin_, Problem::not_utf8);
    }

    [[nodiscard]] Value root() const { return root_; }

    [[nodiscard]] ParseError error() const { return error_; }

private:
    [[nodiscard]] bool scan_object(std::size_t depth) {
        if (depth > kMaxDepth) return fail(Problem::too_deep);
        ++next_;
        skip_blanks();
        if (take('}')) return true;
        while (true) {
            const char* const name_start = next_;
            if (peek() != '"') return fail(Problem::malformed);
            if (!scan_string()) return false;
            const Value name = since(name_start);
            skip_blanks();
            if (!take(':')) return fail(Problem::malformed);
            skip_blanks();
            const char* const value_start = next_;
            if (!scan_value(depth)) return false;
            if (depth == 1 && on_member_) (*on_member_)({name, since(value_start)});
            skip_blanks();
            if (take('}')) return true;
            if (!take(',')) return fail(Problem::malformed);
            skip_blanks();
        }
    }

    [[nodiscard]] bool scan_array(std::size_t depth) {
        if (depth > kMaxDepth) return fail(Problem::too_deep);
        ++next_;
        skip_blanks();
        if (take(']')) return true;
        while (true) {
            if (!scan_value(depth)) return false;
            skip_blanks();
            if (take(']')) return true;
            if (!take(',')) return fail(Problem::malformed);
            skip_blanks();
        }
    }

    /// `depth` is that of the container around the value.
    [[nodiscard]] bool scan_value(std::size_t depth) {
        switch (peek()) {
            case '"':
                return scan_string();
            case '{':
                return scan_object(depth + 1);
            case '[':
                return scan_array(depth + 1);
            case 't':
                return scan_literal("true");
            case 'f':
                return scan_literal("false");
            case 'n':
                return scan_literal("null");
            default:
                return scan_number();
        }
    }

    [[nodiscard]] bool scan_string() {
        const char* const quote = next_++;
        while (true) {
            const EightBytes bytes(next_);
            beyond_ascii_ |= bytes.beyond_ascii();
            const auto stops = bytes.equal_to('"') | bytes.equal_to('\\') | bytes.controls();
            next_ += stops == 0 ? 8 : EightBytes::first(stops);
            if (next_ >= end_) return fail_at(quote, Problem::unclosed_string);
            if (stops == 0) continue;
            if (*next_ == '"') break;
            if (*next_ != '\\') return fail(Problem::control_character);
            const std::size_t length = escape_length(next_ + 1);
            if (length == 0) return fail(Problem::bad_escape);
            next_ += 1 + length;
        }
        ++next_;
        return true;
    }

    [[nodiscard]] bool scan_number() {
        const char* const start = next_;
        const bool is_negative = take('-');
        if (!is_digit(peek())) {
            return fail_at(start, is_negative ? Problem::bad_number : Problem::malformed);
        }
        if (!take('0')) skip_digits();
        if (take('.') && !skip_digits()) return fail_at(start, Problem::bad_number);
        if (take('e') || take('E')) {
            if (!take('+')) (void)take('-');  // a sign may be there or not
            if (!skip_digits()) return fail_at(start, Problem::bad_number);
        }
        // `01`, `1.2.3`: better called a bad number than a missing comma.
        const char behind = peek();
        const bool goes_on = is_digit(behind) || behind == '.';
        return !goes_on || fail_at(start, Problem::bad_number);
    }

    [[nodiscard]] bool scan_literal(std::string_view literal) {
        const std::string_view rest(next_, static_cast<std::size_t>(end_ - next_));
        if (!rest.starts_with(literal)) return fail(Problem::malformed);
        next_ += literal.size();
        return true;
    }

    /// Whether there was at least one.
    bool skip_digits() {
        const char* const first = next_;
        while (is_digit(peek()))
            ++next_;
        return next_ != first;
    }

    void skip_blanks() {
        while (next_ != end_ && is_blank(*next_))
            ++next_;
    }

    /// NUL at the end, which no grammar rule allows.
    [[nodiscard]] char peek() const { return next_ != end_ ? *next_ : '\0'; }

    [[nodiscard]] bool take(char character) {
        if (peek() != character) return false;
        ++next_;
        return true;
    }

    [[nodiscard]] Value since(const char* start) const {
        return Value(std::string_view(start, static_cast<std::size_t>(next_ - start)));
    }

    [[nodiscard]] bool fail(Problem problem) { return fail_at(next_, problem); }

    [[nodiscard]] bool fail_at(const char* place, Problem problem) {
        error_ = {problem, static_cast<std::size_t>(place - begin_)};
        return false;
    }

    const char* const begin_;
    const char* next_;
    const char* const end_;
    std::uint64_t beyond_ascii_ = 0;
    const OnMember* const on_member_;  // none: null
    Value root_;
    ParseError error_;
};

std::string_view describe(Problem problem) {
    switch (problem) {
        case Problem::empty:
            return "there is no text";
        case Problem::not_an_object:
            return "it is not an object";
        case Problem::not_utf8:
            return "the text is not UTF-8";
        case Problem::unclosed_string:
            return "a string is not closed";
        case Problem::control_character:
            return "a string holds a raw control character";
        case Problem::bad_escape:
            return "a string holds a wrong escape or half a surrogate pair";
        case Problem::bad_number:
            return "a number is malformed";
        case Problem::too_deep:
            return "it is nested deeper than 512 levels";
        case Problem::text_behind:
            return "there is text behind the object";
        case Problem::malformed:
            return "a bracket, quote, comma, colon or value is wrong or missing";
    }
    ASSERT(false);
}

}  // namespace

Outcome<Value, ParseError> parse_object(std::string_view padded_text, const OnMember& on_member) {
    Scanner scanner(padded_text, on_member);
    if (!scanner.scan_document()) return scanner.error();
    return scanner.root();
}

std::string describe(const ParseError& error) {
    std::string sentence(describe(error.problem));
    if (error.problem == Problem::empty || error.problem == Problem::not_utf8) return sentence;
    return sentence + " (at byte " + std::to_string(error.offset) + ')';
}

PaddedString::PaddedString(std::string_view text) {
    storage_.reserve(text.size() + kJsonPadding);
    storage_ += text;
    storage_.append(kJsonPadding, '\0');
}

}  // namespace roomcast::json

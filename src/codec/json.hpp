// SPDX-License-Identifier: Apache-2.0
// JSON in: a document is checked once and whole (RFC 8259, to the letter); from then on its values
// are views that readers may trust. Nothing is copied, so text passes through as it was written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "codec/json_writer.hpp"
#include "util/result.hpp"

namespace roomcast::json {

/// So many readable bytes, of any content, must stand behind the end of text that is parsed.
inline constexpr std::size_t kJsonPadding = 64;

/// Arrays and objects within each other; the outermost object is the first.
inline constexpr std::size_t kMaxDepth = 512;

/// Why text is no document.
enum class Problem : std::uint8_t {
    empty,
    not_an_object,
    not_utf8,
    unclosed_string,
    control_character,
    bad_escape,
    bad_number,
    too_deep,
    text_behind,
    malformed,
};

struct ParseError {
    Problem problem = Problem::malformed;
    std::size_t offset = 0;  // bytes before the place where it showed
};

/// Part of a sentence for people: "a string is not closed (at byte 17)".
[[nodiscard]] std::string describe(const ParseError& error);

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

/// With its article, as in a sentence: "an array", "null".
[[nodiscard]] std::string_view describe(Kind kind);

struct Member;
template <class Entry>
class Entries;

/// One value within a checked document: a view, valid as long as the document's text.
/// A default-constructed value is absent: it stands for a field that is not there.
class Value {
public:
    Value() = default;

    /// `raw` is one whole checked value without blanks around it, and 7 readable bytes behind it.
    explicit Value(std::string_view raw) : raw_(raw) {}

    [[nodiscard]] bool is_absent() const { return raw_.empty(); }

    [[nodiscard]] bool is(Kind kind) const { return !is_absent() && this->kind() == kind; }

    /// Not of an absent value.
    [[nodiscard]] Kind kind() const;

    /// The text as written, without blanks around it.
    [[nodiscard]] std::string_view raw() const { return raw_; }

    /// Nothing unless it is `true` or `false`.
    [[nodiscard]] std::optional<bool> to_bool() const;
    /// Nothing unless it is a number without fraction or exponent that fits.
    [[nodiscard]] std::optional<std::int64_t> to_integer() const;
    /// Nothing unless it is a number that a double can hold.
    [[nodiscard]] std::optional<double> to_double() const;
    /// The unescaped text; nothing unless it is a string.
    [[nodiscard]] std::optional<std::string> to_string() const;
    /// Like to_string(), for the hot path: a view of the document, or of `scratch`, to which the
    /// text is appended where it has escapes. Whoever holds such views has reserved in `scratch`
    /// the length of the document, which is enough to read each of its strings once.
    [[nodiscard]] std::optional<std::string_view> to_view(std::string& scratch) const;

    /// The fields as a range, in order, repeated names included. Empty unless it is an object.
    [[nodiscard]] Entries<Member> members() const;
    /// The elements as a range. Empty unless it is an array.
    [[nodiscard]] Entries<Value> elements() const;

private:
    std::string_view raw_;
};

/// One field of an object.
struct Member {
    Value name;  // a string
    Value value;
};

/// A place in the text of a checked array or object: before one of its entries, or at its end.
class Cursor {
public:
    Cursor() = default;
    /// Stands before the first entry.
    explicit Cursor(std::string_view container);

    [[nodiscard]] bool is_at_end() const { return next_ == nullptr; }

    void read(Value& element) { element = take(); }

    void read(Member& member) {
        member.name = take();
        member.value = take();
    }

private:
    [[nodiscard]] Value take();

    const char* next_ = nullptr;
};

/// What `for (const json::Member& member : value.members())` runs over.
template <class Entry>
class Entries {
public:
    class Iterator {
    public:
        explicit Iterator(Cursor cursor) : cursor_(cursor) { ++*this; }

        const Entry& operator*() const { return entry_; }

        Iterator& operator++() {
            is_done_ = cursor_.is_at_end();
            if (!is_done_) cursor_.read(entry_);
            return *this;
        }

        bool operator==(std::default_sentinel_t) const { return is_done_; }

    private:
        Cursor cursor_;
        Entry entry_;
        bool is_done_ = false;
    };

    explicit Entries(Cursor first) : first_(first) {}

    [[nodiscard]] Iterator begin() const { return Iterator(first_); }

    [[nodiscard]] std::default_sentinel_t end() const { return {}; }

private:
    Cursor first_;
};

using OnMember = std::function<void(const Member&)>;

/// Checks a whole document, which must be an object, and gives it. `padded_text` has kJsonPadding
/// readable bytes behind its end (PaddedString adds them), which are never taken for text. Blanks
/// around the object are fine, other text is not; half surrogate pairs are refused; numbers may be
/// of any size. Safe from any thread.
///
/// `on_member` gets the outermost object's fields while they are checked, which spares the hot path
/// a second reading through members(). What it has got counts only once a document is returned:
/// the text may still turn out to be broken further on.
[[nodiscard]] Outcome<Value, ParseError> parse_object(std::string_view padded_text,
                                                      const OnMember& on_member = {});

/// A copy of text with the padding that parse_object() asks for.
class PaddedString {
public:
    explicit PaddedString(std::string_view text);

    [[nodiscard]] std::string_view text() const {
        return std::string_view(storage_).substr(0, storage_.size() - kJsonPadding);
    }

private:
    std::string storage_;
};

}  // namespace roomcast::json

// SPDX-License-Identifier: Apache-2.0
// The protocol of Redis, RESP3 (https://redis.io/docs/latest/develop/reference/protocol-spec/):
// replies in, commands out. What a server sends is untrusted: sizes and depths are limited.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.hpp"

namespace roomcast::resp {

enum class Kind : std::uint8_t {
    null,
    string,  // simple, bulk and verbatim strings (without the "txt:" of the latter), big numbers
    error,   // simple and bulk errors; the text begins with a code such as "MOVED"
    integer,
    number,  // a double, as text
    boolean,
    array,
    set,
    map,   // items are key, value, key, value, …
    push,  // out of band
};

/// One reply, with everything in it.
struct Value {
    Kind kind = Kind::null;
    std::int64_t integer = 0;       // of an integer; 0 or 1 of a boolean
    std::string text = {};          // of a string, error or number
    std::vector<Value> items = {};  // of an array, set, map or push

    [[nodiscard]] bool is_error() const { return kind == Kind::error; }

    /// Of an error: whether its code, the first word, is `code`.
    [[nodiscard]] bool has_code(std::string_view code) const;
    /// The value behind `key` in a map (or in an array of pairs, as RESP2 gives it); null if none.
    [[nodiscard]] const Value* find(std::string_view key) const;

    friend bool operator==(const Value&, const Value&) = default;
};

struct ReaderLimits {
    std::size_t text_bytes =
        std::size_t{512} * 1'048'576;  // of one string: what Redis itself allows
    std::size_t total_bytes =
        std::size_t{512} * 1'048'576;  // of one reply, its text and its tree together
    std::size_t items = 10'000'000;    // of one array
    std::size_t depth = 16;
};

/// Why bytes are no reply: a sentence for people. The connection cannot go on.
using ReadError = std::string;

/// Puts replies together from bytes that come in any pieces. Memory grows with what has come, never
/// with what a length announces; work is linear in the bytes, however they are cut. Attributes
/// ("|") are read and left out, yet count towards the limits of their reply; streamed types ("?")
/// are an error, since no server sends them unasked. Lines end in CR LF and nothing else. A push
/// within another reply (EXEC, after a SUBSCRIBE in MULTI) is an item like any other.
class Reader {
public:
    explicit Reader(ReaderLimits limits = {}) : limits_(limits) {}

    /// Adds bytes behind those that came before. To be followed by next() until that gives nothing:
    /// only then does the reader hold no more than one unfinished reply.
    void feed(std::string_view bytes);
    /// The next whole reply; nothing when more bytes are needed. After an error every further call
    /// gives that error.
    [[nodiscard]] Outcome<std::optional<Value>, ReadError> next();

private:
    enum class Step : std::uint8_t { need_more, go_on, whole_reply, failed };

    /// An array, set, map, push or attribute whose items are still coming.
    struct Open {
        Value* value;
        std::size_t missing;  // items, the one in slot_ included
        bool is_attribute;
    };

    [[nodiscard]] Step begin_reply();
    [[nodiscard]] Step read_line();
    [[nodiscard]] Step on_line(char type, std::string_view line);
    [[nodiscard]] Step take_text(Kind kind, std::string_view text);
    [[nodiscard]] Step begin_text(char type, std::string_view length);
    [[nodiscard]] Step read_text();
    [[nodiscard]] Step begin_items(char type, std::string_view count);
    [[nodiscard]] Step open_slot(std::vector<Value>& items);
    [[nodiscard]] Step end_value();
    [[nodiscard]] bool count(std::size_t bytes);
    [[nodiscard]] Step fail(ReadError error);

    ReaderLimits limits_;
    std::string buffer_;
    std::size_t at_ = 0;        // in buffer_: what is before has been read
    std::size_t searched_ = 0;  // bytes from at_ on that hold no end of line
    // On the heap, so that pointers into it survive when the reader moves.
    std::unique_ptr<Value> reply_;
    Value* slot_ = nullptr;  // in reply_: the value that comes next; null between two replies
    std::vector<Open> open_;
    std::size_t total_bytes_ = 0;    // of the reply so far
    char text_type_ = 0;             // of the bulk string that slot_ receives; 0: none
    std::size_t missing_bytes_ = 0;  // of that string
    ReadError error_;
};

/// A command with its arguments, of any bytes: an array of bulk strings.
class Command {
public:
    Command(std::initializer_list<std::string_view> words);

    Command& add(std::string_view word);
    Command& add(std::int64_t number);

    /// Appends it as it goes over the wire.
    void append_to(std::string& out) const;
    /// The first word, for logs.
    [[nodiscard]] std::string_view name() const;

    [[nodiscard]] std::size_t size_bytes() const { return body_.size(); }

private:
    std::size_t words_ = 0;
    std::string body_;
};

}  // namespace roomcast::resp

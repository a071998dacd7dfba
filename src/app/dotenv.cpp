// SPDX-License-Identifier: Apache-2.0
#include "app/dotenv.hpp"

#include <algorithm>
#include <utility>

namespace roomcast {

namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class DotenvParser {
public:
    explicit DotenvParser(std::string_view text) : rest_(text) {
        if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
    }

    Outcome<std::vector<DotenvEntry>, DotenvError> parse() {
        if (const std::size_t nul = rest_.find('\0'); nul != rest_.npos) {
            // Neither variables nor the C functions that they end in can hold it.
            line_ += static_cast<std::size_t>(std::count(rest_.begin(), rest_.begin() + nul, '\n'));
            return fail("a NUL character");
        }
        std::vector<DotenvEntry> entries;
        while (!rest_.empty()) {
            skip_blanks();
            if (is_at_line_end() || rest_.front() == '#') {
                skip_line();
                continue;
            }
            auto entry = take_entry();
            if (!entry) return entry.error();
            entries.push_back(std::move(*entry));
        }
        return entries;
    }

private:
    using EntryResult = Outcome<DotenvEntry, DotenvError>;
    using ValueResult = Outcome<std::string, DotenvError>;

    EntryResult take_entry() {
        DotenvEntry entry;
        entry.line = line_;
        entry.name = take_name();
        if (entry.name == "export" && !rest_.empty() &&
            kBlanks.find(rest_.front()) != kBlanks.npos) {
            skip_blanks();
            // `export =value` sets a variable of that name.
            if (!rest_.starts_with('=')) entry.name = take_name();
        }
        skip_blanks();
        const bool has_name =
            !entry.name.empty() && !(entry.name.front() >= '0' && entry.name.front() <= '9');
        if (!has_name || !rest_.starts_with('=')) return fail("expected NAME=value");
        rest_.remove_prefix(1);
        skip_blanks();
        auto value = take_value();
        if (!value) return value.error();
        entry.value = std::move(*value);
        skip_line();
        return entry;
    }

    std::string take_name() {
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_name_character);
        std::string name(rest_.begin(), end);
        rest_.remove_prefix(name.size());
        return name;
    }

    ValueResult take_value() {
        if (rest_.starts_with('\'') || rest_.starts_with('"')) return take_quoted(rest_.front());
        std::string_view value = rest_.substr(0, rest_.find('\n'));
        rest_.remove_prefix(value.size());
        if (value.ends_with('\r')) value.remove_suffix(1);
        value = value.substr(0, comment_start(value));
        return std::string(value.substr(0, value.find_last_not_of(kBlanks) + 1));
    }

    /// Where ` # …` starts; a hash within a word belongs to the value.
    static std::size_t comment_start(std::string_view value) {
        if (value.starts_with('#')) return 0;
        const std::size_t after_blank = value.find(" #");
        return std::min(after_blank, value.find("\t#"));
    }

    ValueResult take_quoted(char quote) {
        const std::size_t first_line = line_;
        std::string value;
        for (rest_.remove_prefix(1); !rest_.empty() && rest_.front() != quote;) {
            char c = take_character();
            if (c == '\r' && rest_.starts_with('\n')) continue;
            if (c == '\\' && quote == '"' && !rest_.empty()) {
                c = unescape(take_character(), value);
            }
            value += c;
        }
        if (rest_.empty()) {
            line_ = first_line;
            return fail("a quote is not closed");
        }
        rest_.remove_prefix(1);
        skip_blanks();
        if (!is_at_line_end() && rest_.front() != '#') return fail("text behind the closing quote");
        return value;
    }

    /// What `\c` stands for; an escape that is none stays as it is.
    static char unescape(char c, std::string& value) {
        switch (c) {
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case '"':
            case '\\':
            case '$':
                return c;
            default:
                value += '\\';
                return c;
        }
    }

    char take_character() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        if (c == '\n') ++line_;
        return c;
    }

    void skip_blanks() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
    }

    [[nodiscard]] bool is_at_line_end() const {
        return rest_.empty() || rest_.starts_with('\n') || rest_.starts_with("\r\n");
    }

    void skip_line() {
        const std::size_t end = rest_.find('\n');
        rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
        ++line_;
    }

    [[nodiscard]] DotenvError fail(std::string reason) const { return {line_, std::move(reason)}; }

    std::string_view rest_;
    std::size_t line_ = 1;
};

}  // namespace

Outcome<std::vector<DotenvEntry>, DotenvError> parse_dotenv(std::string_view text) {
    return DotenvParser(text).parse();
}

}  // namespace roomcast

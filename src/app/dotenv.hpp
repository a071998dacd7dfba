// SPDX-License-Identifier: Apache-2.0
// Reads `.env` files: lines of NAME=value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.hpp"

namespace roomcast {

struct DotenvEntry {
    std::string name;
    std::string value;
    std::size_t line = 0;  // counted from 1

    friend bool operator==(const DotenvEntry&, const DotenvEntry&) = default;
};

/// Why a file cannot be read. Holds nothing of its text, which may be secret.
struct DotenvError {
    std::size_t line = 0;
    std::string reason;
};

/// Reads all entries in their order, repeated names included.
///
///     # a comment
///     NAME=value            # comment behind a blank and a hash
///     export NAME=value
///     NAME='as it stands: \n $HOME #'
///     NAME="with \" \\ \n \r \t, and maybe
///     several lines"
///
/// Nothing is expanded: `$` is a character like any other. Blanks around names and bare values are
/// cut. A byte order mark, CR LF and a missing last line feed are fine; NUL is not.
[[nodiscard]] Outcome<std::vector<DotenvEntry>, DotenvError> parse_dotenv(std::string_view text);

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Reads `roomcast.toml`: one flat table of settings. Keeps the TOML library in one file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.hpp"

namespace roomcast {

struct TomlEntry {
    std::string key;
    /// As the environment would spell it: numbers in digits, lists joined by commas.
    std::string value;
    std::size_t line = 0;
};

struct TomlError {
    std::size_t line = 0;
    std::string reason;  // holds no value: those may be secret
};

/// Reads all entries in the order of their lines. Values are strings, whole numbers, booleans, or
/// lists of these; anything else is an error.
[[nodiscard]] Outcome<std::vector<TomlEntry>, TomlError> parse_toml(std::string_view text);

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Reads the encoded parts of a request target (RFC 3986), strictly: what cannot be decoded, or is
// no UTF-8 behind the decoding, is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace roomcast::http {

/// A part of a path, percent-decoded once: `a%2Fb` is "a/b", `%2525` is "%25", `+` stays. Nothing
/// when a `%` is not followed by two hexadecimal digits or the result is no UTF-8.
[[nodiscard]] std::optional<std::string> decode_path_part(std::string_view part);

/// The parameters of a query, decoded (`+` is a space), in their order.
class Query {
public:
    /// Nothing when a name or a value cannot be decoded. Empty parts (`a=1&&b=2`) are skipped.
    [[nodiscard]] static std::optional<Query> parse(std::string_view text);

    /// The first value of `name`, or null.
    [[nodiscard]] const std::string* find(std::string_view name) const;

private:
    std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace roomcast::http

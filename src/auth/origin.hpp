// SPDX-License-Identifier: Apache-2.0
// Which web pages may open connections (docs/protocol.md section 1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.hpp"

namespace roomcast {

/// An allow-list of origins. Immutable.
class OriginList {
public:
    /// Reads ALLOWED_ORIGINS or CORS_ALLOWED_ORIGINS: `*`, or `scheme://host[:port]` separated by
    /// commas, without path and without wildcards. Error: a sentence that names the entry.
    [[nodiscard]] static Outcome<OriginList, std::string> parse(std::string_view text);
    /// The same from entries that are split already.
    [[nodiscard]] static Outcome<OriginList, std::string> make(
        const std::vector<std::string>& entries);

    /// `origin` is the header's value; without the header the peer is no browser, and allowed.
    /// Scheme, host and port must be those of one entry (names in any case, the scheme's default
    /// port may be written or left out). `null` and what is no origin match no entry; only `*`,
    /// which turns the check off, lets them pass.
    [[nodiscard]] bool allows(std::optional<std::string_view> origin) const;

    /// Whether the list is `*`.
    [[nodiscard]] bool allows_any() const { return allows_any_; }

private:
    OriginList() = default;

    bool allows_any_ = false;
    std::vector<std::string> origins_;  // normalised
};

}  // namespace roomcast

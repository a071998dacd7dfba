// SPDX-License-Identifier: Apache-2.0
// The reasons for which a client's or backend's request is refused (docs/protocol.md, section 5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "util/result.hpp"

namespace roomcast {

enum class Errc : std::uint8_t {
    bad_message,     // not a JSON object, unknown type, a field missing or of the wrong type
    forbidden,       // the token does not allow this on this channel
    bad_channel,     // empty, too long, control characters
    limit,           // too many channels on this connection, meta or payload too large
    rate_limited,    // over the message rate
    unavailable,     // the broker or store did not take it; try again
    broker_blocked,  // the broker takes nothing at the moment: it is short of memory or disk
    invalid_token,   // `refresh` with a token that does not verify
    wrong_user,      // `refresh` with a token of another user
};

inline constexpr std::size_t kErrcCount = static_cast<std::size_t>(Errc::wrong_user) + 1;

/// The `code` of an error message, 4000-4999.
[[nodiscard]] int wire_code(Errc errc);
/// The `reason` of an error message and of an HTTP error: snake_case, stable.
[[nodiscard]] std::string_view wire_reason(Errc errc);

template <class T>
using Result = Outcome<T, Errc>;

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// permessage-deflate (RFC 7692) without context takeover: each message is compressed by itself, so
// one state serves all connections of a thread, and an idle connection holds none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "util/result.hpp"

namespace roomcast::websocket {

enum class InflateError : std::uint8_t { broken, too_long };

/// Undoes the compression of one message after the other.
class Inflater {
public:
    Inflater();
    ~Inflater();
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    /// The text of `payload`, a whole message as it came (section 7.2.2). Never makes more than one
    /// byte beyond `most_bytes`. The text has kMessagePadding readable bytes behind its end and
    /// lives until the next call.
    [[nodiscard]] Outcome<std::string_view, InflateError> inflate(std::string_view payload,
                                                                  std::size_t most_bytes);

private:
    struct State;
    std::unique_ptr<State> state_;  // made when it is first needed
};

/// Compresses one message after the other.
class Deflater {
public:
    Deflater();
    ~Deflater();
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;

    /// The payload of a compressed message (section 7.2.1), or nothing where that is not shorter.
    /// It lives until the next call. It can be read with a window as large as `text`, and with any
    /// larger one: no back reference reaches further.
    [[nodiscard]] std::optional<std::string_view> deflate(std::string_view text);

private:
    struct State;
    std::unique_ptr<State> state_;  // made when it is first needed
};

/// What server and client agree on.
struct DeflateAgreement {
    /// The client keeps no more than 2^server_window_bits bytes of a message to refer back to.
    std::uint8_t server_window_bits = 15;
    std::string response;  // the value of Sec-WebSocket-Extensions
};

/// The first offer in the value of a client's `Sec-WebSocket-Extensions` that can be accepted
/// (section 7.1). Nothing for a value that breaks the syntax: it offers nothing.
[[nodiscard]] std::optional<DeflateAgreement> agree_on_deflate(std::string_view offers);

}  // namespace roomcast::websocket

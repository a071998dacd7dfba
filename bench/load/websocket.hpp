// SPDX-License-Identifier: Apache-2.0
// The client's half of RFC 6455, as far as a load generator needs it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace roomcast::bench {

enum class Opcode : std::uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// The upgrade request. The key is the example of RFC 6455 §1.3, so the right answer is known.
/// `is_deflating`: it offers permessage-deflate (RFC 7692).
[[nodiscard]] std::string upgrade_request(std::string_view resource, bool is_deflating);
/// Whether `head`, up to the empty line, is a 101 that answers upgrade_request.
[[nodiscard]] bool is_upgrade_accepted(std::string_view head);
/// Whether it agrees on messages that are each compressed by themselves.
[[nodiscard]] bool is_deflate_accepted(std::string_view head);

/// Appends a masked frame.
void append_frame(std::string& out, Opcode opcode, std::string_view payload);

struct Frame {
    Opcode opcode = Opcode::text;
    bool is_deflated = false;
    std::string_view payload;
    std::size_t frame_bytes = 0;  ///< header and payload
};

enum class FrameResult { complete, incomplete, broken };

/// Reads the first frame of `bytes`. Masked and fragmented frames count as broken: no server sends
/// messages of this size in parts.
[[nodiscard]] FrameResult read_frame(std::string_view bytes, Frame& frame);

}  // namespace roomcast::bench

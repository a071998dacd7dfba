// SPDX-License-Identifier: Apache-2.0
// `connection_id` on the wire: names a session among all nodes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/ids.hpp"

namespace roomcast {

struct ConnectionId {
    NodeId node;
    SessionId session;
};

/// Two numbers of 16 hexadecimal digits with a hyphen between them.
[[nodiscard]] std::string to_text(ConnectionId id);
[[nodiscard]] std::optional<ConnectionId> parse_connection_id(std::string_view text);

}  // namespace roomcast

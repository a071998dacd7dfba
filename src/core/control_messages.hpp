// SPDX-License-Identifier: Apache-2.0
// What nodes tell each other besides publications (docs/protocol.md, section 7): JSON objects on
// the broker's control channel.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "model/ids.hpp"

namespace roomcast {

/// How often a node tells that it is there.
inline constexpr std::chrono::seconds kNodeAnnouncePause{10};
/// Not heard for so long, it counts as gone.
inline constexpr std::chrono::seconds kNodeSilence{25};

/// "Here I am": `{"type":"node","node":"host-1","id":"…","connections":3,…}`.
struct NodeAnnouncement {
    NodeId id{};
    std::string name;
    std::string version = {};
    std::size_t connections = 0;
    bool is_draining = false;
};

/// "Close all connections of this user": `{"type":"disconnect_user","user_id":"alice","id":"…"}`.
struct DisconnectUser {
    NodeId from{};  // zero where another kind of program has sent it
    std::string user_id;
};

/// Nothing where a message is of a kind that this version does not know, or broken.
using ControlMessage = std::variant<std::monostate, NodeAnnouncement, DisconnectUser>;

[[nodiscard]] std::string encode(const NodeAnnouncement& announcement);
[[nodiscard]] std::string encode(const DisconnectUser& command);
[[nodiscard]] ControlMessage parse_control(std::string_view text);

}  // namespace roomcast

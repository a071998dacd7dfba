// SPDX-License-Identifier: Apache-2.0
// Numbers that name things within one process.
#pragma once

#include <cstdint>

namespace roomcast {

/// A thread of the hub: 0, 1, … below the number of shards.
using ShardIndex = std::uint16_t;

/// One session of this node; its shard stands in the upper 16 bits. 0 names none.
enum class SessionId : std::uint64_t { none = 0 };

[[nodiscard]] constexpr SessionId make_session_id(ShardIndex shard, std::uint64_t serial) {
    return SessionId{(static_cast<std::uint64_t>(shard) << 48) | serial};
}

[[nodiscard]] constexpr ShardIndex shard_of(SessionId session) {
    return static_cast<ShardIndex>(static_cast<std::uint64_t>(session) >> 48);
}

/// This process among the nodes of a cluster: random, drawn at the start.
enum class NodeId : std::uint64_t {};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Which shard of this process a channel is at home on.
#pragma once

#include "model/channel_name.hpp"
#include "model/ids.hpp"

namespace roomcast {

/// The same in all parts of this process, another in the next one: never to be stored or sent.
/// Takes the upper half of the hash, as tables on each shard use the lower one.
[[nodiscard]] inline ShardIndex home_shard(const ChannelName& channel, ShardIndex shard_count) {
    return static_cast<ShardIndex>(((channel.hash() >> 32) * shard_count) >> 32);
}

}  // namespace roomcast

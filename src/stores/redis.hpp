// SPDX-License-Identifier: Apache-2.0
// The presence store of a cluster: all nodes meet on one Redis (direct, through Sentinel, or a
// Cluster), and gateways of the replaced service may share it.
#pragma once

#include <memory>

#include "net/loop.hpp"
#include "redis/client.hpp"
#include "stores/presence_store.hpp"
#include "stores/redis_context.hpp"

namespace roomcast {

/// Redis holds for each user of a channel the set of nodes that hold the user, beside the presence
/// hash. One script changes both and announces the change, so each change is announced once. A node
/// renews one lease, whatever the number of its users; the others let the users of a node leave
/// whose lease has run out. Data that Redis loses is put back without a leave
/// (docs/operations.md).
///
/// stop() finishes what is under way, for at most a second, and hands over: users who are still
/// held stay known for `hand_over_grace` and leave when no other node holds them by then
/// (docs/decisions/0009-presence-hand-over.md). Destruction without stop() is a crash: the lease
/// runs out.
///
/// `client` is the store's own, not started, made with redis_presence_script_list() and without
/// has_sharded_channels; it is used, and destroyed, on `loop`, which outlives the store.
[[nodiscard]] std::unique_ptr<PresenceStore> make_redis_presence_store(
    RedisPresenceOptions options, net::Loop& loop, std::unique_ptr<redis::Client> client);

}  // namespace roomcast

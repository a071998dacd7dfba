// SPDX-License-Identifier: Apache-2.0
// The Lua scripts of the Redis presence store: each changes the state and announces the change in
// one atomic step, by the clock of Redis.
#pragma once

#include <vector>

#include "redis/client.hpp"

namespace roomcast {

/// All scripts take the time from Redis, so that the clocks of nodes never meet. None reads JSON:
/// Lua would round the numbers in it, so values and messages are put together from text that the
/// caller has prepared. A user's owners are ids of 16 characters, separated by spaces.
struct RedisPresenceScripts {
    /// Makes a user present through a node. Announces a join or an update.
    /// Keys: presence hash, owners. Arguments: user, node, kind ("join", "update", "restore": put
    /// back what the hash has lost, else change nothing), TTL in ms, Pub/Sub channel, the value up
    /// to the number of `updated_at`, the message from behind "presence_join" to before the value.
    /// Gives the last sequence number, or 0 when nothing was announced.
    redis::Script upsert;
    /// A node no longer holds users, 200 at most. Announces each leave when it was the last owner
    /// and the user was in the hash.
    /// Keys: presence hash, owners. Arguments: node, Pub/Sub channel, the message up to the user,
    /// the message from behind the user to before the time, then for each user: id, id as JSON.
    /// Gives the number of leaves announced.
    redis::Script leave;
    /// Removes entries without an owner, 200 at most, which a gateway of the replaced service has
    /// left behind: unchanged since they were read, and older than allowed.
    /// Keys: presence hash, owners. Arguments: the first four as `leave`, greatest age in s, then
    /// for each entry: user, user as JSON, value, its updated_at. Gives the number of leaves
    /// announced.
    redis::Script expire;
    /// Keeps a channel from expiring.
    /// Keys: presence hash, owners. Argument: TTL in ms. Gives an array: whether each of the keys
    /// was there (0 or 1), and the last sequence number as text.
    redis::Script touch;

    /// Renews the lease of a node.
    /// Keys: live, dead, reaped. Arguments: node, lease in ms, beat in ms, "1" for the first beat
    /// of this id, hand-over grace in ms. Gives an array: 1 and at most 16 ids that are due to be
    /// reaped; or 0 alone: the node was declared dead and needs a new id.
    redis::Script beat;
    /// Takes over the reaping of a node that is due.
    /// Keys: live, dead, reaped. Arguments: node, for how long in ms. Gives an array: the claim
    /// (text; the others get nothing), 1 when it was reaped before, ms by which it was overdue.
    redis::Script claim;
    /// Extends a claim. Keys and arguments as `settle`. Gives the new claim, or nothing when
    /// another node has taken over.
    redis::Script renew;
    /// Ends a claim: forgets the node when it was reaped before, else has it reaped once more.
    /// Keys: live, dead, reaped. Arguments: node, claim, ms until it is due again. Gives 1, or 0
    /// when another node has taken over.
    redis::Script settle;
    /// A node stops. Keys: live, dead, reaped. Arguments: node, ms until its users are reaped, or
    /// -1: it holds nobody.
    redis::Script retire;

    RedisPresenceScripts();
};

/// Made once, never changed.
[[nodiscard]] const RedisPresenceScripts& redis_presence_scripts();

/// For ClientOptions::scripts of the client that is given to the store.
[[nodiscard]] std::vector<const redis::Script*> redis_presence_script_list();

}  // namespace roomcast

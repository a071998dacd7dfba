// SPDX-License-Identifier: Apache-2.0
// Keys, values and messages of presence in Redis. The presence hash and the messages are those of
// the replaced service, whose gateways may share the server (docs/protocol.md, section 7).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/channel_name.hpp"
#include "model/presence_entry.hpp"

namespace roomcast {

/// Where one channel is kept. Both keys are in one Cluster slot.
struct RedisChannelKeys {
    std::string presence;  // "presence:<channel>": user to value, nothing else in it
    std::string owners;    // "rc:{presence:<channel>}:own": user to ids of nodes, "" to sequence
    std::string bus;       // "presence.<channel>": where events are published
};

/// Where the cluster keeps what it knows of its nodes. All in one slot.
struct RedisNodeKeys {
    std::string live;    // node to the end of its lease, in ms of Redis
    std::string dead;    // node to when it is to be reaped
    std::string reaped;  // nodes of `dead` that were reaped once
};

/// `prefix` ("rc:") must not hold braces. A channel whose name has braces keeps the slot that its
/// presence hash has by the rules of Cluster, whatever the braces look like.
[[nodiscard]] RedisChannelKeys redis_channel_keys(std::string_view prefix,
                                                  const ChannelName& channel);
[[nodiscard]] RedisNodeKeys redis_node_keys(std::string_view prefix);
/// In the order in which the scripts about nodes take them.
[[nodiscard]] std::vector<std::string> redis_script_keys(const RedisNodeKeys& nodes);
/// The set of channels on which `node` may hold users.
[[nodiscard]] std::string redis_channels_key(std::string_view prefix, std::string_view node);

/// A value of the presence hash up to the number of `updated_at`.
[[nodiscard]] std::string redis_value_head(std::string_view user, const MetaText& meta);
/// A join or update from behind its type up to the value.
[[nodiscard]] std::string redis_upsert_message(const ChannelName& channel, std::string_view user);
/// A leave up to the user, who follows as JSON.
[[nodiscard]] std::string redis_leave_head(const ChannelName& channel);
/// A leave from behind the user up to the time.
[[nodiscard]] std::string_view redis_leave_tail();
[[nodiscard]] std::string redis_quoted(std::string_view user);

/// Reads a value of the presence hash, which anybody may have written. Nothing when it is none.
[[nodiscard]] std::optional<PresenceEntry> read_redis_value(std::string_view user,
                                                            std::string_view value);
/// Reads a message of the Pub/Sub channel of `channel`. Nothing when it is no presence event.
[[nodiscard]] std::optional<PresenceEvent> read_redis_event(const ChannelName& channel,
                                                            std::string_view message);

}  // namespace roomcast

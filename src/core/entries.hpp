// SPDX-License-Identifier: Apache-2.0
// What shards send each other: commands on their way to a channel's home, answers and deliveries on
// their way back. One first-in, first-out queue for each pair of shards carries them all.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "brokers/broker.hpp"
#include "core/hub_client.hpp"
#include "model/channel_name.hpp"
#include "model/frame.hpp"
#include "model/ids.hpp"
#include "model/presence_entry.hpp"
#include "protocol/command.hpp"
#include "util/clock.hpp"

namespace roomcast {

class Shard;

// ---- from a session's shard to the home of the channel ----

/// Sets a session's listen set. The home counts `listen` as interest of the session's shard from
/// here on; each count is given back once, by Release or by the home itself.
struct Subscribe {
    ChannelName channel;
    SessionId session;
    RequestId id;
    std::uint32_t serial;  // of the session's listen commands
    ListenSet listen;
};

struct Unsubscribe {
    ChannelName channel;
    SessionId session;
    RequestId id;
    std::uint32_t serial;
};

/// Gives back the interest of one subscription that was replaced or has ended.
struct Release {
    ChannelName channel;
    ShardIndex shard;
    ListenSet listen;
};

/// Drops what a session still waits for: it has ended, or may not listen any more.
struct ForgetSession {
    ChannelName channel;
    SessionId session;
    Errc reason;
};

/// Who is told what became of a publication: a session that gave an id, or an HTTP request.
struct ReplyTo {
    SessionId session = SessionId::none;
    RequestId id = {};
    ShardIndex shard = 0;
    std::uint64_t request = 0;  // of that shard's HubClient; 0: a session
};

struct Publish {
    BusMessage message;
    ReplyTo reply;
    std::string key;  // idempotency key with its owner in front; empty: none
};

/// One or more commands of one connection that are answered together.
struct PresenceReply {
    SessionId session = SessionId::none;
    std::vector<RequestId> ids;
    std::uint32_t silent_commands = 0;  // those without an id
};

struct PresenceSet {
    ChannelName channel;
    std::string user_id;
    MetaText meta;
    bool is_update = false;
    PresenceReply reply;
};

struct PresenceLeave {
    ChannelName channel;
    std::string user_id;
    std::chrono::milliseconds grace{0};
    /// Ends the graces of the user's other connections too.
    bool is_final = false;
    PresenceReply reply;  // without commands where the connection has ended
};

struct PresenceGet {
    ChannelName channel;
    ReplyTo reply;
};

/// A shard has taken a PresenceResync: another one may be sent.
struct ResyncTaken {
    ChannelName channel;
    ShardIndex shard;
};

// ---- from the home of a channel to the shards ----

struct Deliver {
    ChannelName channel;
    FramePtr frame;
    SessionId excluded;  // `self: false`; usually none
    SteadyTime taken_at;
};

struct DeliverPresence {
    ChannelName channel;
    FramePtr frame;
};

enum class GapReason : std::uint8_t { broker, overload };

/// Publications are missing from here on.
struct GapMark {
    ChannelName channel;
    GapReason reason;
};

/// A fresh roster for all presence listeners of a shard that lost events.
struct PresenceResync {
    ChannelName channel;
    FramePtr sync;
};

struct Subscribed {
    ChannelName channel;
    SessionId session;
    RequestId id;
    FramePtr sync;  // where presence is listened to
    std::uint32_t serial;
    ListenSet listen;
    bool is_counted;  // false: the command was answered with an error before
};

/// A subscribe that is not confirmed in time, or not any more. Without `error` it had no id.
struct SubscribeFailed {
    ChannelName channel;
    SessionId session;
    FramePtr error;
};

struct Unsubscribed {
    ChannelName channel;
    SessionId session;
    RequestId id;
    std::uint32_t serial;
};

/// The answer to `commands` commands: one frame, or none where no id was given.
struct Answer {
    SessionId session;
    FramePtr frame;
    std::uint32_t commands;
    bool is_large = false;  // see Outlet::push_answer
};

struct PublishAnswer {
    std::uint64_t request;
    std::uint64_t message_id;
    std::int64_t ts_ms;
    std::optional<Errc> error;
};

/// Rare work, run on the receiving shard.
using Work = std::function<void(Shard&)>;

/// What is large or rare is boxed, so that a delivery stays small.
using Entry = std::variant<Deliver,
                           DeliverPresence,
                           GapMark,
                           PresenceResync,
                           Subscribed,
                           SubscribeFailed,
                           Unsubscribed,
                           Answer,
                           PublishAnswer,
                           Subscribe,
                           Unsubscribe,
                           Release,
                           ForgetSession,
                           std::unique_ptr<Publish>,
                           std::unique_ptr<PresenceSet>,
                           std::unique_ptr<PresenceLeave>,
                           std::unique_ptr<PresenceGet>,
                           ResyncTaken,
                           Work>;

/// The bytes of a data entry, which a full mailbox refuses; nothing for control.
[[nodiscard]] inline std::optional<std::size_t> data_bytes(const Entry& entry) {
    if (const auto* deliver = std::get_if<Deliver>(&entry)) return deliver->frame->bytes().size();
    if (const auto* deliver = std::get_if<DeliverPresence>(&entry)) {
        return deliver->frame->bytes().size();
    }
    if (const auto* publish = std::get_if<std::unique_ptr<Publish>>(&entry)) {
        const BusMessage& message = (*publish)->message;
        return sizeof(Publish) + message.payload.size() + message.event.size();
    }
    return std::nullopt;
}

}  // namespace roomcast

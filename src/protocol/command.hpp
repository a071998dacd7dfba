// SPDX-License-Identifier: Apache-2.0
// What a client can ask for, in whatever dialect it says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "model/channel_name.hpp"
#include "model/errc.hpp"

namespace roomcast {

/// The client's own mark of a command, echoed in its one answer: JSON text as it was written (a
/// string with its quotes, or an integer). Empty: the client gave none and gets no `ack`.
using RequestId = std::string;

/// The listen set of a subscription, a set of bits.
using ListenSet = std::uint8_t;
inline constexpr ListenSet kListenNothing = 0;
inline constexpr ListenSet kListenBroadcast = 1;
inline constexpr ListenSet kListenPresence = 2;

/// Sets this connection's listen set on the channel.
struct SubscribeCommand {
    ChannelName channel;
    ListenSet listen = kListenNothing;
};

struct UnsubscribeCommand {
    ChannelName channel;
};

struct BroadcastCommand {
    ChannelName channel;
    std::string_view event;            // unescaped
    std::string_view payload;          // checked JSON text, one line, as it came
    bool is_echoed = true;             // `self`: the sender gets it too if it listens
    std::string_view idempotency_key;  // empty: none
};

/// `presence_join` and `presence_update`.
struct PresenceSetCommand {
    ChannelName channel;
    std::string_view meta;  // JSON text of an object; empty when none was given
    bool is_update = false;
};

struct PresenceLeaveCommand {
    ChannelName channel;
};

struct PresenceGetCommand {
    ChannelName channel;
};

struct PingCommand {};

struct RefreshCommand {
    std::string_view token;
};

using CommandBody = std::variant<SubscribeCommand,
                                 UnsubscribeCommand,
                                 BroadcastCommand,
                                 PresenceSetCommand,
                                 PresenceLeaveCommand,
                                 PresenceGetCommand,
                                 PingCommand,
                                 RefreshCommand>;

struct Command {
    RequestId id;
    CommandBody body;
};

/// Why a client message is no command. `id` and `channel` are there when they could be read.
struct CommandError {
    Errc code = Errc::bad_message;
    std::string message;  // for people: what is wrong and what is allowed
    RequestId id = {};
    std::string channel = {};
    /// Of a rate_limited error: when to try again.
    std::optional<std::uint32_t> retry_after_ms = std::nullopt;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// One client protocol: how its messages become commands, and how events become frames.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "brokers/broker.hpp"
#include "model/frame.hpp"
#include "model/limits.hpp"
#include "model/presence_entry.hpp"
#include "protocol/command.hpp"
#include "util/result.hpp"

namespace roomcast {

/// What a connection that asked for the newest subprotocol is told first.
struct Welcome {
    std::string connection_id;
    std::string user_id;
    std::string node;
    std::string server;  // "roomcast/1.0.0"
    std::int64_t server_time_ms = 0;
    const Limits* limits = nullptr;
};

/// Stateless: one object serves all shards at once. Each encode_ function gives one whole frame
/// with one document.
class Dialect {
public:
    virtual ~Dialect() = default;

    /// Reads one client message. `text` is one whole message of checked UTF-8, at most
    /// Limits::message_bytes, with json::kJsonPadding readable bytes behind its end. `scratch` is
    /// cleared and may hold unescaped strings: views in the result point into `text` or `scratch`.
    [[nodiscard]] virtual Outcome<Command, CommandError> parse(std::string_view text,
                                                               std::string& scratch) const = 0;

    // Events, built once for all receivers.
    [[nodiscard]] virtual FramePtr encode_broadcast(const BusMessage& message) const = 0;
    [[nodiscard]] virtual FramePtr encode_presence(const PresenceEvent& event) const = 0;
    [[nodiscard]] virtual FramePtr encode_presence_sync(
        const ChannelName& channel, std::span<const PresenceEntry> users) const = 0;
    /// `reason`: "broker" or "overload".
    [[nodiscard]] virtual FramePtr encode_gap(const ChannelName& channel,
                                              std::string_view reason) const = 0;

    // Answers to one client's command; `id` is never empty unless it says so.
    [[nodiscard]] virtual FramePtr encode_ack(const RequestId& id, std::int64_t ts_ms) const = 0;
    [[nodiscard]] virtual FramePtr encode_subscribed(const RequestId& id,
                                                     const ChannelName& channel,
                                                     ListenSet listen) const = 0;
    /// Without `id`: the server ended the subscription, and `code` says why.
    [[nodiscard]] virtual FramePtr encode_unsubscribed(const RequestId& id,
                                                       const ChannelName& channel,
                                                       std::optional<Errc> code) const = 0;
    /// The answer to `presence_get`.
    [[nodiscard]] virtual FramePtr encode_presence_list(
        const RequestId& id,
        const ChannelName& channel,
        std::span<const PresenceEntry> users) const = 0;
    [[nodiscard]] virtual FramePtr encode_pong(const RequestId& id) const = 0;  // id may be empty
    [[nodiscard]] virtual FramePtr encode_error(const CommandError& error) const = 0;

    // What a connection of the newest subprotocol also gets, unasked.
    [[nodiscard]] virtual FramePtr encode_welcome(const Welcome& welcome) const = 0;
    [[nodiscard]] virtual FramePtr encode_token_expiring(std::int64_t expires_at) const = 0;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The native dialect: JSON objects with a `type` (docs/protocol.md, sections 2, 3 and 5).
#pragma once

#include "protocol/dialect.hpp"

namespace roomcast {

class NativeDialect final : public Dialect {
public:
    /// `limits` outlives the dialect.
    explicit NativeDialect(const Limits& limits) : limits_(limits) {}

    [[nodiscard]] Outcome<Command, CommandError> parse(std::string_view text,
                                                       std::string& scratch) const override;

    [[nodiscard]] FramePtr encode_broadcast(const BusMessage& message) const override;
    [[nodiscard]] FramePtr encode_presence(const PresenceEvent& event) const override;
    [[nodiscard]] FramePtr encode_presence_sync(
        const ChannelName& channel, std::span<const PresenceEntry> users) const override;
    [[nodiscard]] FramePtr encode_gap(const ChannelName& channel,
                                      std::string_view reason) const override;

    [[nodiscard]] FramePtr encode_ack(const RequestId& id, std::int64_t ts_ms) const override;
    [[nodiscard]] FramePtr encode_subscribed(const RequestId& id,
                                             const ChannelName& channel,
                                             ListenSet listen) const override;
    [[nodiscard]] FramePtr encode_unsubscribed(const RequestId& id,
                                               const ChannelName& channel,
                                               std::optional<Errc> code) const override;
    [[nodiscard]] FramePtr encode_presence_list(
        const RequestId& id,
        const ChannelName& channel,
        std::span<const PresenceEntry> users) const override;
    [[nodiscard]] FramePtr encode_pong(const RequestId& id) const override;
    [[nodiscard]] FramePtr encode_error(const CommandError& error) const override;

    [[nodiscard]] FramePtr encode_welcome(const Welcome& welcome) const override;
    [[nodiscard]] FramePtr encode_token_expiring(std::int64_t expires_at) const override;

private:
    const Limits& limits_;
};

}  // namespace roomcast

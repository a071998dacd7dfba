// SPDX-License-Identifier: Apache-2.0
// What the thread of the broker on NATS tells the broker.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "brokers/home_side.hpp"
#include "model/channel_name.hpp"

namespace roomcast {

/// On one thread or another, one call at a time.
class NatsReports {
public:
    virtual ~NatsReports() = default;
    virtual void on_message(const ChannelName& channel,
                            std::string_view body,
                            bool has_followers) = 0;
    virtual void on_control(std::string_view body) = 0;
    virtual void on_gap(const ChannelName& channel) = 0;
    virtual void on_confirmed(const ChannelName& channel, std::uint64_t attempt) = 0;
    virtual void on_answers(std::span<const PublishTicket> tickets,
                            Result<std::optional<PublishReceipt>> result) = 0;
    /// The server has answered; at least once in each interval of pings.
    virtual void on_round_trip() = 0;
    virtual void on_state(bool is_connected, std::string_view detail) = 0;
};

}  // namespace roomcast

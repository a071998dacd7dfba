// SPDX-License-Identifier: Apache-2.0
// The readers and the publishers of a run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "load/client.hpp"
#include "load/histogram.hpp"

namespace roomcast::bench {

class FleetEvents {
public:
    virtual ~FleetEvents() = default;
    virtual void on_message(std::uint32_t reader, std::string_view message, Nanoseconds at) = 0;
    virtual void on_reader_closed(std::uint32_t reader, std::string_view reason) = 0;
};

struct FleetPlan {
    std::vector<std::uint16_t> ports;  ///< where the readers go by turns; empty: to the target's
    std::uint32_t subscriptions = 1;   ///< of each reader
    std::uint32_t at_once = 64;        ///< so many at a time on their way in
};

/// Readers, each subscribed to one or more channels: the subscriptions of all readers, one after
/// the other, go to the channels by turns.
class Fleet final : private ClientEvents {
public:
    Fleet(Target target, FleetEvents& events, std::vector<std::string> channels, FleetPlan plan)
        : target_(target),
          events_(events),
          channels_(std::move(channels)),
          plan_(std::move(plan)) {}

    /// Opens the readers, and returns when every subscription is confirmed. Gives up when one is
    /// refused, or when nothing moves for 20 s.
    void open(std::uint32_t readers);
    void abort_all();

    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(readers_.size()); }

    [[nodiscard]] Client& reader(std::uint32_t index) { return *readers_[index].client; }

    /// How long each took, from its first packet until it was subscribed.
    [[nodiscard]] const Histogram& waits() const { return waits_; }

private:
    struct Reader {
        std::unique_ptr<Client> client;
        Nanoseconds started = 0;
        std::uint32_t unconfirmed = 0;
    };

    void start_one();

    const std::string& channel_of(std::uint32_t reader, std::uint32_t nth) const {
        return channels_[(std::size_t{reader} * plan_.subscriptions + nth) % channels_.size()];
    }

    void on_open(Client& client) override;
    void on_confirmed(Client& client) override;

    void on_message(Client& client, std::string_view message, Nanoseconds at) override {
        events_.on_message(client.index(), message, at);
    }

    void on_closed(Client& client, std::string_view reason) override;

    Target target_;
    FleetEvents& events_;
    std::vector<std::string> channels_;
    FleetPlan plan_;
    std::vector<Reader> readers_;
    std::uint32_t ready_ = 0;
    Histogram waits_;
    bool is_opening_ = false;
};

/// The connections that publish. Losing one ends the program: nothing can be said about the run.
class Publishers final : private ClientEvents {
public:
    /// `per_channel` connections for all channels together, or for each one where the protocol
    /// wants it so.
    Publishers(Target target, std::vector<std::string> channels, std::uint32_t per_channel);
    /// Returns when all are open.
    void open();
    void abort_all();

    /// Queues a publication on the `slot`-th connection of the channel; slot < per_channel.
    void publish(std::uint32_t channel, std::uint32_t slot, std::string_view payload);
    void flush();

private:
    Client& client_of(std::uint32_t channel, std::uint32_t slot);

    void on_open(Client& /*client*/) override { ++open_; }

    void on_confirmed(Client& /*client*/) override {}

    void on_message(Client& /*client*/, std::string_view /*text*/, Nanoseconds /*at*/) override {}

    void on_closed(Client& client, std::string_view reason) override;

    Target target_;
    std::vector<std::string> channels_;
    std::uint32_t per_channel_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<Client*> dirty_;
    std::uint32_t open_ = 0;
};

/// "r0", "r1", …
[[nodiscard]] std::vector<std::string> channel_names(std::string_view prefix, std::uint32_t count);

}  // namespace roomcast::bench

// SPDX-License-Identifier: Apache-2.0
// The readers and the publishers of a run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "load/client.hpp"

namespace roomcast::bench {

class FleetEvents {
public:
    virtual ~FleetEvents() = default;
    virtual void on_message(std::uint32_t reader, std::string_view message, Nanoseconds at) = 0;
    virtual void on_reader_closed(std::uint32_t reader, std::string_view reason) = 0;
};

/// Readers, each subscribed to one channel: reader i to channel i modulo their number, at the port
/// i modulo their number.
class Fleet final : private ClientEvents {
public:
    /// Without `ports` all go to the target's.
    Fleet(Target target,
          FleetEvents& events,
          std::vector<std::string> channels,
          std::vector<std::uint16_t> ports = {})
        : target_(target),
          events_(events),
          channels_(std::move(channels)),
          ports_(std::move(ports)) {}

    /// Opens the readers, at most 64 at a time, and returns when every subscription is confirmed.
    /// Gives up when one is refused, or when nothing moves for 20 s.
    void open(std::uint32_t readers);
    void abort_all();

    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(readers_.size()); }

    [[nodiscard]] Client& reader(std::uint32_t index) { return *readers_[index]; }

private:
    void start_one();

    const std::string& channel_of(std::uint32_t reader) const {
        return channels_[reader % channels_.size()];
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
    std::vector<std::uint16_t> ports_;
    std::vector<std::unique_ptr<Client>> readers_;
    std::uint32_t confirmed_ = 0;
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

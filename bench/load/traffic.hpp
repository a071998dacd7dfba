// SPDX-License-Identifier: Apache-2.0
// Publications on their way from publishers to a fleet of readers, every delivery checked.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "load/fleet.hpp"
#include "load/histogram.hpp"
#include "load/ledger.hpp"
#include "load/stamp.hpp"

namespace roomcast::bench {

struct TrafficPlan {
    std::string channel_prefix = "r";
    std::uint32_t readers = 1000;
    std::uint32_t channels = 1;
    std::uint32_t subscriptions = 1;    ///< of each reader, to as many channels
    std::uint32_t at_once = 64;         ///< readers on their way in
    std::uint32_t publishers = 1;       ///< of each channel; takes turns
    std::uint32_t payload_bytes = 128;  ///< more than kStampBytes
    double rate = 0;                    ///< publications a second; 0: as fast as `window` allows
    std::uint32_t burst = 1;            ///< with a rate: so many at a time
    std::uint32_t window = 64;          ///< publications not yet with all of their readers
    std::uint32_t first_stream = 0;     ///< where two traffics meet on one server
    std::vector<std::uint16_t>
        reader_ports;             ///< where the readers go by turns; empty: all in one place
    bool ignores_others = false;  ///< the readers also listen to another traffic's channels
};

class Traffic final : private FleetEvents {
public:
    Traffic(Target target, const TrafficPlan& plan);

    void open();
    void abort_all();

    /// Publishes until `seconds` are over. `each_turn` is called after each turn of the loop.
    void run(double seconds, const std::function<void()>& each_turn = {});
    /// Publishes once on each channel, at most `window` at a time in flight.
    void publish_everywhere();
    /// Publishes what is due, and says when the next one is.
    Nanoseconds publish_due(Nanoseconds now);

    /// Starts the schedule of a rate at `now`: what was due earlier is forgotten.
    void restart_schedule(Nanoseconds now) { next_due_ = now; }

    /// Waits until all is delivered, or nothing has come for 5 s.
    void drain();
    /// Books what never came.
    void finish();

    [[nodiscard]] const Tally& tally() const { return tally_; }

    [[nodiscard]] Nanoseconds last_delivery() const { return last_delivery_; }

    [[nodiscard]] Histogram& latency() { return latency_; }

    [[nodiscard]] Fleet& fleet() { return fleet_; }

    [[nodiscard]] std::uint64_t closed_readers() const { return closed_readers_; }

    [[nodiscard]] const std::string& first_close_reason() const { return first_close_reason_; }

    [[nodiscard]] std::uint32_t published(std::uint32_t channel, std::uint32_t slot) const {
        return in_flight_.published(channel * plan_.publishers + slot);
    }

private:
    void publish_on(std::uint32_t channel, Nanoseconds sent);
    std::uint32_t readers_of(std::uint32_t channel) const;
    std::uint32_t next_channel();
    /// Null where the reader does not listen to the stream's channel.
    Track* track_of(std::uint32_t reader, std::uint32_t stream);

    void on_message(std::uint32_t reader, std::string_view message, Nanoseconds at) override;
    void on_reader_closed(std::uint32_t reader, std::string_view reason) override;

    Target target_;
    TrafficPlan plan_;
    Fleet fleet_;
    Publishers publishers_;
    StampReader stamps_;
    std::vector<Track> tracks_;  ///< of each reader's subscriptions: one for each publisher
    InFlight in_flight_;
    Tally tally_;
    Histogram latency_;
    Nanoseconds epoch_;  ///< stamps count from here
    Nanoseconds next_due_ = 0;
    Nanoseconds last_delivery_ = 0;
    std::uint32_t next_slot_ = 0;
    std::uint64_t random_ = 0x2545f4914f6cdd1d;
    std::uint64_t closed_readers_ = 0;
    std::string first_close_reason_;
};

}  // namespace roomcast::bench

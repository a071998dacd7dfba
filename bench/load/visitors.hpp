// SPDX-License-Identifier: Apache-2.0
// Clients that come, subscribe, subscribe again, unsubscribe and go, all the time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "load/client.hpp"
#include "load/fleet.hpp"
#include "load/ledger.hpp"
#include "load/stamp.hpp"

namespace roomcast::bench {

struct VisitorsPlan {
    std::string channel = "r0";
    std::uint32_t payload_bytes = 128;
    double per_second = 100;
};

/// Every visitor checks the part of the stream that it has a right to: without a gap from its
/// confirmed subscription to its unsubscription, over a repeated subscription in between, and
/// nothing outside of that. The channel must have one publisher.
class Visitors final : private ClientEvents {
public:
    /// `published` tells how many publications were sent so far.
    Visitors(Target target, VisitorsPlan plan, std::function<std::uint32_t()> published);

    /// Lets new visitors in when they are due, and the others take their next step.
    void turn();
    /// No new ones; returns when all have left, or after 10 s.
    void finish();

    [[nodiscard]] const Tally& tally() const { return tally_; }

    [[nodiscard]] std::uint64_t finished() const { return finished_; }

    /// Those that were refused, cut off, or got stuck.
    [[nodiscard]] std::uint64_t failed() const { return failed_; }

    [[nodiscard]] const std::string& first_failure() const { return first_failure_; }

private:
    enum class Step : std::uint8_t {
        arriving,
        subscribing,
        listening,
        subscribing_again,
        listening_again,
        unsubscribing,
        silent,
        returning,
        listening_last,
        leaving,
        gone
    };

    struct Visitor {
        std::unique_ptr<Client> client;
        Step step = Step::arriving;
        bool is_abrupt = false;  ///< leaves without a close frame
        Nanoseconds step_since = 0;
        Track track;
    };

    void admit(Nanoseconds now);
    void advance(Visitor& visitor, Nanoseconds now);
    void enter(Visitor& visitor, Step step) const;
    void command(Visitor& visitor, Step step, std::string_view text) const;
    void leave(Visitor& visitor);
    void give_up_on(Visitor& visitor, std::string_view why);
    Visitor& visitor_of(Client& client);

    void on_open(Client& client) override;
    void on_confirmed(Client& client) override;
    void on_message(Client& client, std::string_view message, Nanoseconds at) override;
    void on_closed(Client& client, std::string_view reason) override;

    Target target_;
    VisitorsPlan plan_;
    std::function<std::uint32_t()> published_;
    StampReader stamps_;
    std::vector<std::unique_ptr<Visitor>> present_;
    std::uint32_t admitted_ = 0;
    Nanoseconds next_arrival_;
    bool is_letting_in_ = true;
    Tally tally_;
    std::uint64_t finished_ = 0;
    std::uint64_t failed_ = 0;
    std::string first_failure_;
};

}  // namespace roomcast::bench

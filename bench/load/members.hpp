// SPDX-License-Identifier: Apache-2.0
// Users who join channels, and somebody who watches them come and go. The native protocol only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "load/client.hpp"
#include "load/histogram.hpp"

namespace roomcast::bench {

/// User i subscribes to channel i modulo their number and joins it.
class Members final : private ClientEvents {
public:
    /// The users go to `ports` by turns.
    Members(Target target, std::vector<std::uint16_t> ports, std::vector<std::string> channels);

    /// Lets `count` users in, at most `at_once` at a time, user i to port i + `shift` modulo their
    /// number. Returns when each is subscribed and has joined; gives up when one is refused, or
    /// nothing moves for 20 s.
    void open(std::uint32_t count, std::uint32_t at_once, std::uint32_t shift = 0);
    /// All are gone at once, without a goodbye.
    void abort_all();

    /// From now on it is no failure when the server closes connections.
    void expect_closes() { is_closing_expected_ = true; }

    /// How long it took to get in, from the first packet to the answer to the join.
    [[nodiscard]] Histogram& waits() { return waits_; }

private:
    struct Member {
        std::unique_ptr<Client> client;
        Nanoseconds started = 0;
    };

    void on_open(Client& client) override;

    void on_confirmed(Client& /*client*/) override {}

    void on_message(Client& client, std::string_view message, Nanoseconds at) override;
    void on_closed(Client& client, std::string_view reason) override;

    Target target_;
    std::vector<std::uint16_t> ports_;
    std::vector<std::string> channels_;
    std::vector<Member> members_;
    std::uint32_t joined_ = 0;
    bool is_closing_expected_ = false;
    Histogram waits_;
};

/// Listens to the presence of all channels at the target's port, and counts.
class PresenceWatch final : private ClientEvents {
public:
    PresenceWatch(Target target, std::vector<std::string> channels);

    /// Returns when it is subscribed to all.
    void open();
    /// Polls until there were `joins` and `leaves`, or for `seconds`.
    void wait_for(std::uint64_t joins, std::uint64_t leaves, double seconds);
    /// Polls until the channels' rosters, as they were at its coming, have so many users together,
    /// or for `seconds`.
    void wait_for_roster(std::uint64_t users, double seconds);
    /// Polls for so long.
    void watch(double seconds);

    [[nodiscard]] std::uint64_t joins() const { return joins_; }

    [[nodiscard]] std::uint64_t leaves() const { return leaves_; }

    [[nodiscard]] std::uint64_t roster_users() const { return roster_users_; }

    [[nodiscard]] Nanoseconds first_leave() const { return first_leave_; }

    [[nodiscard]] Nanoseconds last_leave() const { return last_leave_; }

private:
    void on_open(Client& client) override;

    void on_confirmed(Client& /*client*/) override { ++confirmed_; }

    void on_message(Client& client, std::string_view message, Nanoseconds at) override;
    void on_closed(Client& client, std::string_view reason) override;

    Target target_;
    std::vector<std::string> channels_;
    std::unique_ptr<Client> client_;
    std::size_t confirmed_ = 0;
    std::uint64_t roster_users_ = 0;
    std::uint64_t joins_ = 0;
    std::uint64_t leaves_ = 0;
    Nanoseconds first_leave_ = 0;
    Nanoseconds last_leave_ = 0;
};

}  // namespace roomcast::bench

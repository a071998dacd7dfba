// SPDX-License-Identifier: Apache-2.0
// Publications between their home and the broker's answer, on one thread of the broker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "brokers/home_side.hpp"
#include "util/clock.hpp"

namespace roomcast {

/// Numbers publications. Each is answered once: when its fate is known or when its time is over,
/// whichever comes first. It counts until its fate is known: only then is its text gone.
class PendingPublishes {
public:
    /// Deadlines never go back from one to the next.
    [[nodiscard]] std::uint64_t add(PublishTicket ticket, SteadyTime deadline, std::size_t bytes) {
        entries_.push_back({ticket, deadline, bytes});
        bytes_ += bytes;
        return first_id_ + entries_.size() - 1;
    }

    /// Its fate is known. Nothing: it was answered before.
    [[nodiscard]] std::optional<PublishTicket> settle(std::uint64_t id) {
        if (id < first_id_ || id - first_id_ >= entries_.size()) return std::nullopt;
        Entry& entry = entries_[static_cast<std::size_t>(id - first_id_)];
        const std::optional<PublishTicket> ticket = entry.ticket;
        entry.ticket.reset();
        bytes_ -= entry.bytes;
        entry.bytes = 0;
        entry.is_settled = true;
        while (!entries_.empty() && entries_.front().is_settled) {
            entries_.pop_front();
            ++first_id_;
        }
        return ticket;
    }

    /// The next one whose time is over by `now`, if any.
    [[nodiscard]] std::optional<PublishTicket> expire_one(SteadyTime now) {
        const auto due = next_deadline();
        if (!due || *due > now) return std::nullopt;
        Entry& entry = entries_[static_cast<std::size_t>(next_to_expire_ - first_id_)];
        const std::optional<PublishTicket> ticket = entry.ticket;
        entry.ticket.reset();
        return ticket;
    }

    /// When the time of the next one is over.
    [[nodiscard]] std::optional<SteadyTime> next_deadline() {
        if (next_to_expire_ < first_id_) next_to_expire_ = first_id_;
        for (; next_to_expire_ - first_id_ < entries_.size(); ++next_to_expire_) {
            const Entry& entry = entries_[static_cast<std::size_t>(next_to_expire_ - first_id_)];
            if (entry.ticket) return entry.deadline;
        }
        return std::nullopt;
    }

    [[nodiscard]] std::size_t size() const { return entries_.size(); }

    [[nodiscard]] std::size_t bytes() const { return bytes_; }

private:
    struct Entry {
        std::optional<PublishTicket> ticket;  // until it is answered
        SteadyTime deadline;
        std::size_t bytes;
        bool is_settled = false;
    };

    std::deque<Entry> entries_;  // by id; the first one is not settled
    std::uint64_t first_id_ = 1;
    std::uint64_t next_to_expire_ = 1;  // those before it have been answered
    std::size_t bytes_ = 0;
};

}  // namespace roomcast

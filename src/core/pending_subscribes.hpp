// SPDX-License-Identifier: Apache-2.0
// The subscribes of one channel that wait for the broker or for the roster.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/entries.hpp"
#include "model/ids.hpp"
#include "util/clock.hpp"

namespace roomcast {

struct PendingSubscribe {
    Subscribe command;
    SteadyTime due;
    bool is_told = false;  // answered as unavailable; applied all the same when it is confirmed
    bool is_superseded = false;  // told, and its session has asked again since
};

/// In the order in which they came, and so in that of `due`; counted by session, because thousands
/// may wait while a broker is away and most ask once.
class PendingSubscribes {
public:
    [[nodiscard]] bool is_empty() const { return list_.empty(); }

    [[nodiscard]] bool holds(SessionId session) const { return of_session_.contains(session); }

    void add(PendingSubscribe pending) {
        ++of_session_[pending.command.session];
        list_.push_back(std::move(pending));
    }

    /// The oldest that was not told; null when there is none. Those that were stand in front.
    [[nodiscard]] PendingSubscribe* first_untold() {
        const auto found = std::ranges::partition_point(list_, &PendingSubscribe::is_told);
        return found == list_.end() ? nullptr : &*found;
    }

    /// From the youngest to the oldest.
    template <class Visit>
    void for_each_from_youngest(Visit visit) {
        for (auto pending = list_.rbegin(); pending != list_.rend(); ++pending)
            visit(*pending);
    }

    /// Calls `take(pending)` for each, from the oldest, and drops those for which it is true.
    template <class Take>
    void take_if(Take take) {
        std::erase_if(list_, [&](PendingSubscribe& pending) {
            const SessionId session = pending.command.session;
            if (!take(pending)) return false;
            const auto count = of_session_.find(session);
            if (--count->second == 0) of_session_.erase(count);
            return true;
        });
    }

private:
    std::vector<PendingSubscribe> list_;
    std::unordered_map<SessionId, std::uint32_t> of_session_;
};

}  // namespace roomcast

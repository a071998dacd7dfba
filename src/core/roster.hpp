// SPDX-License-Identifier: Apache-2.0
// A replica of who is on one channel, kept by its home shard while somebody here listens to
// presence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/frame.hpp"
#include "model/presence_entry.hpp"
#include "protocol/dialect.hpp"
#include "stores/presence_store.hpp"
#include "util/hash.hpp"

namespace roomcast {

/// Snapshot plus events, put together by sequence number: each event is in the snapshot or applied
/// behind it, never both and never neither. An event without a number is applied as it comes: it
/// says how a user is, so a repetition does no harm.
///
/// Who hears the changes that it tells of hears a clean story, whatever the store has told twice or
/// not at all: a join only of somebody who was absent, a leave only of somebody who was present.
class Roster {
public:
    /// Before a snapshot is asked for: it will hold all events so far. Loading again goes on
    /// serving the old replica until load() brings the new one.
    void start_loading() {
        is_loading_ = true;
        has_overflowed_ = false;
        events_.clear();
    }

    /// Takes the snapshot and the events that came meanwhile. Gives how the replica has changed by
    /// that, as events of `channel` at `ts_ms` for those who knew the old one: none at the first
    /// time. Nothing: too many events came meanwhile, start over.
    [[nodiscard]] std::optional<std::vector<PresenceEvent>> load(PresenceSnapshot snapshot,
                                                                 const ChannelName& channel,
                                                                 std::int64_t ts_ms);

    /// Takes the next event. Gives what listeners must hear of it, if anything: it may be another
    /// change than the event says.
    std::optional<PresenceChange> apply(const PresenceEvent& event);

    [[nodiscard]] bool is_ready() const { return is_ready_; }

    [[nodiscard]] bool is_loading() const { return is_loading_; }

    [[nodiscard]] const std::vector<PresenceEntry>& users() const { return users_; }

    /// The whole replica as one frame, built once for each state and shared.
    [[nodiscard]] FramePtr sync(const Dialect& dialect, const ChannelName& channel);

private:
    using Positions =
        std::unordered_map<std::string, std::uint32_t, SeededStringHash, std::equal_to<>>;

    [[nodiscard]] bool is_news(const PresenceEvent& event) const {
        return event.sequence == 0 || event.sequence > sequence_;
    }

    void take(std::vector<PresenceEntry> users);
    std::optional<PresenceChange> change(const PresenceEvent& event);
    std::optional<PresenceChange> put(const PresenceEvent& event);
    std::optional<PresenceChange> remove(const std::string& user_id);

    std::vector<PresenceEntry> users_;
    Positions positions_;
    std::uint64_t sequence_ = 0;
    std::vector<PresenceEvent> events_;  // while loading: they may be younger than the snapshot
    FramePtr sync_;
    bool is_ready_ = false;
    bool is_loading_ = false;
    bool has_overflowed_ = false;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "core/roster.hpp"

#include <utility>

namespace roomcast {

namespace {

/// Events that may wait for a snapshot.
constexpr std::size_t kMaxEvents = 16'384;

}  // namespace

bool Roster::load(PresenceSnapshot snapshot) {
    const std::vector<PresenceEvent> events = std::exchange(events_, {});
    if (std::exchange(has_overflowed_, false)) return false;
    is_loading_ = false;
    is_ready_ = true;
    users_ = std::move(snapshot.users);
    sequence_ = snapshot.sequence;
    positions_.clear();
    for (std::uint32_t i = 0; i < users_.size(); ++i)
        positions_[users_[i].user_id] = i;
    sync_ = {};
    for (const PresenceEvent& event : events) {
        if (event.sequence > sequence_) (void)change(event);  // the sync that follows tells it
    }
    return true;
}

bool Roster::apply(const PresenceEvent& event) {
    if (is_loading_) {
        if (events_.size() < kMaxEvents) {
            events_.push_back(event);
        } else {
            has_overflowed_ = true;
        }
    }
    return is_ready_ && event.sequence > sequence_ && change(event);
}

bool Roster::change(const PresenceEvent& event) {
    sequence_ = event.sequence;
    const auto found = positions_.find(event.entry.user_id);
    if (event.change != PresenceChange::leave) {
        if (found != positions_.end()) {
            users_[found->second] = event.entry;
        } else {
            positions_.emplace(event.entry.user_id, static_cast<std::uint32_t>(users_.size()));
            users_.push_back(event.entry);
        }
    } else {
        if (found == positions_.end()) return false;
        const std::uint32_t position = found->second;
        positions_.erase(found);
        if (position + 1 != users_.size()) {
            users_[position] = std::move(users_.back());
            positions_.find(users_[position].user_id)->second = position;
        }
        users_.pop_back();
    }
    sync_ = {};
    return true;
}

FramePtr Roster::sync(const Dialect& dialect, const ChannelName& channel) {
    if (!sync_) sync_ = dialect.encode_presence_sync(channel, users_);
    return sync_;
}

}  // namespace roomcast

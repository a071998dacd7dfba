// SPDX-License-Identifier: Apache-2.0
#include "core/roster.hpp"

#include <utility>

namespace roomcast {

namespace {

/// Events that may wait for a snapshot.
constexpr std::size_t kMaxEvents = 16'384;

bool is_same(const MetaText& a, const MetaText& b) {
    return a == b || (a && b && *a == *b);
}

}  // namespace

std::optional<std::vector<PresenceEvent>> Roster::load(PresenceSnapshot snapshot,
                                                       const ChannelName& channel,
                                                       std::int64_t ts_ms) {
    const std::vector<PresenceEvent> waiting = std::exchange(events_, {});
    if (std::exchange(has_overflowed_, false)) return std::nullopt;
    is_loading_ = false;
    const std::vector<PresenceEntry> old_users = std::exchange(users_, {});
    const Positions old_positions = std::exchange(positions_, {});
    take(std::move(snapshot.users));
    sequence_ = snapshot.sequence;
    for (const PresenceEvent& event : waiting) {
        if (is_news(event)) (void)change(event);  // told below, with all the rest
    }
    std::vector<PresenceEvent> changes;
    if (!std::exchange(is_ready_, true)) return changes;
    const auto tell = [&](PresenceChange change, PresenceEntry entry) {
        changes.push_back({.change = change,
                           .channel = channel,
                           .entry = std::move(entry),
                           .ts_ms = ts_ms,
                           .sequence = sequence_});
    };
    for (const PresenceEntry& old : old_users) {
        if (!positions_.contains(old.user_id)) tell(PresenceChange::leave, {old.user_id, nullptr});
    }
    for (const PresenceEntry& entry : users_) {
        const auto old = old_positions.find(entry.user_id);
        if (old == old_positions.end()) {
            tell(PresenceChange::join, entry);
        } else if (!is_same(old_users[old->second].meta, entry.meta)) {
            tell(PresenceChange::update, entry);
        }
    }
    return changes;
}

void Roster::take(std::vector<PresenceEntry> users) {
    users_ = std::move(users);
    for (std::uint32_t i = 0; i < users_.size(); ++i)
        positions_[users_[i].user_id] = i;
    sync_ = {};
}

std::optional<PresenceChange> Roster::apply(const PresenceEvent& event) {
    if (is_loading_) {
        if (events_.size() < kMaxEvents) {
            events_.push_back(event);
        } else {
            has_overflowed_ = true;
        }
    }
    if (!is_ready_ || !is_news(event)) return std::nullopt;
    return change(event);
}

std::optional<PresenceChange> Roster::change(const PresenceEvent& event) {
    if (event.sequence != 0) sequence_ = event.sequence;
    return event.change == PresenceChange::leave ? remove(event.entry.user_id) : put(event);
}

std::optional<PresenceChange> Roster::put(const PresenceEvent& event) {
    sync_ = {};
    const auto [found, is_new] =
        positions_.try_emplace(event.entry.user_id, static_cast<std::uint32_t>(users_.size()));
    if (is_new) {
        users_.push_back(event.entry);
        return PresenceChange::join;
    }
    PresenceEntry& entry = users_[found->second];
    const bool is_told =
        event.change == PresenceChange::update || !is_same(entry.meta, event.entry.meta);
    entry = event.entry;
    if (!is_told) return std::nullopt;
    return PresenceChange::update;
}

std::optional<PresenceChange> Roster::remove(const std::string& user_id) {
    const auto found = positions_.find(user_id);
    if (found == positions_.end()) return std::nullopt;
    const std::uint32_t position = found->second;
    positions_.erase(found);
    if (position + 1 != users_.size()) {
        users_[position] = std::move(users_.back());
        positions_.find(users_[position].user_id)->second = position;
    }
    users_.pop_back();
    sync_ = {};
    return PresenceChange::leave;
}

FramePtr Roster::sync(const Dialect& dialect, const ChannelName& channel) {
    if (!sync_) sync_ = dialect.encode_presence_sync(channel, users_);
    return sync_;
}

}  // namespace roomcast

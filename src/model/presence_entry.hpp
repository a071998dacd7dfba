// SPDX-License-Identifier: Apache-2.0
// One user on one channel, and what is told about users coming, changing and going.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "model/channel_name.hpp"

namespace roomcast {

/// The user's meta as JSON text (an object), or nothing when none was given. Immutable and shared.
using MetaText = std::shared_ptr<const std::string>;

struct PresenceEntry {
    std::string user_id;
    MetaText meta;
    std::int64_t updated_at = 0;  // Unix seconds
};

enum class PresenceChange : std::uint8_t { join, update, leave };

struct PresenceEvent {
    PresenceChange change;
    ChannelName channel;
    PresenceEntry entry;  // of a leave: the user alone
    std::int64_t ts_ms = 0;
    /// Grows with each event of a channel: orders events against a snapshot. 0: unknown, as a
    /// gateway of the replaced service wrote it.
    std::uint64_t sequence = 0;
};

}  // namespace roomcast

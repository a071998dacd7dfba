// SPDX-License-Identifier: Apache-2.0
// A replica of who is on one channel, kept by its home shard while somebody here listens to
// presence.
#pragma once

#include <cstddef>
#include <cstdint>
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
/// behind it, never both and never neither.
class Roster {
public:
    /// Loading again goes on serving the old replica until load() brings the new one.
    void start_loading() { is_loading_ = true; }

    /// False: too many events came meanwhile, start over.
    [[nodiscard]] bool load(PresenceSnapshot snapshot);

    /// Takes the next event. True: it changed the replica, and listeners must hear of it.
    bool apply(const PresenceEvent& event);

    [[nodiscard]] bool is_ready() const { return is_ready_; }

    [[nodiscard]] bool is_loading() const { return is_loading_; }

    [[nodiscard]] const std::vector<PresenceEntry>& users() const { return users_; }

    /// The whole replica as one frame, built once for each state and shared.
    [[nodiscard]] FramePtr sync(const Dialect& dialect, const ChannelName& channel);

private:
    bool change(const PresenceEvent& event);

    std::vector<PresenceEntry> users_;
    std::unordered_map<std::string, std::uint32_t, SeededStringHash, std::equal_to<>> positions_;
    std::uint64_t sequence_ = 0;
    std::vector<PresenceEvent> events_;  // while loading: they may be younger than the snapshot
    FramePtr sync_;
    bool is_ready_ = false;
    bool is_loading_ = false;
    bool has_overflowed_ = false;
};

}  // namespace roomcast

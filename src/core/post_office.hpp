// SPDX-License-Identifier: Apache-2.0
// How entries leave a shard: to itself through an unlocked queue, to others in one batch a turn.
#pragma once

#include <cstddef>
#include <unordered_set>
#include <vector>

#include "core/entries.hpp"
#include "model/channel_name.hpp"
#include "model/ids.hpp"
#include "util/mailbox.hpp"

namespace roomcast {

class Hub;

using ShardMailbox = Mailbox<Entry>;

/// The outgoing mail of one shard. What a full mailbox refuses comes back to the shard: a publish
/// to be answered, a delivery as a mark in its place, presence to be followed by a fresh roster.
class PostOffice {
public:
    PostOffice(Hub& hub, Shard& shard, ShardMailbox::Bounds bounds);

    /// To the home of `channel`: never handled from within, even where that is this shard.
    void to_home(const ChannelName& channel, Entry&& entry);
    /// From a home to a shard. Where that is this one, it is handled from within the call: nothing
    /// can overtake it, as nothing on this way ever waits.
    void to_shard(ShardIndex target, Entry&& entry);

    /// Takes the next entry that this shard has sent to itself; false: none waits.
    bool take_own(Entry& entry);
    /// Gives each other shard its batch. What is refused may call forth new mail.
    void hand_over();
    [[nodiscard]] bool is_empty() const;

private:
    struct Route {
        std::vector<Entry> batch;
        /// Channels with a mark under way and no delivery that fitted behind it.
        std::unordered_set<ChannelName, ChannelNameHash> gapped;
    };

    void hand_over(ShardIndex target, Route& route);

    Hub& hub_;
    Shard& shard_;
    const ShardMailbox::Bounds bounds_;
    std::vector<Route> routes_;
    std::vector<Entry> own_;        // arriving
    std::vector<Entry> own_taken_;  // being handled, up to own_next_
    std::size_t own_next_ = 0;
    std::size_t own_data_entries_ = 0;
    std::size_t own_data_bytes_ = 0;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// One shard's index of who listens to what: where a frame is handed to each subscriber.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/entries.hpp"
#include "core/metrics.hpp"
#include "core/outlet.hpp"
#include "model/channel_name.hpp"
#include "protocol/dialect.hpp"

namespace roomcast {

class Session;

/// One listener: its way out at hand, so that a delivery touches nothing else.
struct Member {
    Outlet* outlet;
    Session* session;
    std::uint32_t tie;  // the session's own index of the subscription
};

struct LocalChannel {
    ChannelName name;
    std::vector<Member> broadcast;
    std::vector<Member> presence;

    /// `which` is one bit, as below.
    [[nodiscard]] std::vector<Member>& list(ListenSet which) {
        return which == kListenBroadcast ? broadcast : presence;
    }
};

/// Joining and leaving are O(1): each session knows its positions in the lists, and the last entry
/// takes the place of one that leaves. Nothing is allocated for a delivery but its wrapper.
class LocalChannels {
public:
    LocalChannels(const Dialect& dialect, ShardMetrics& metrics)
        : dialect_(dialect),
          metrics_(metrics) {}

    /// The channel, made when there is none yet. Stays where it is until it is empty.
    [[nodiscard]] LocalChannel& open(const ChannelName& name);
    /// Erases the channel if nobody listens to it.
    void close_if_empty(LocalChannel& channel);

    /// Adds a member and returns its position.
    static std::uint32_t join(LocalChannel& channel, ListenSet which, Member member);
    static void leave(LocalChannel& channel, ListenSet which, std::uint32_t position);

    /// These return the number of receivers.
    std::size_t deliver(const ChannelName& channel, FramePtr frame, const Session* excluded);
    std::size_t deliver_presence(const ChannelName& channel, FramePtr frame);
    std::size_t resync_presence(const ChannelName& channel, FramePtr sync);
    /// Tells versioned sessions; the others are only counted.
    void tell_gap(const GapMark& mark);

    [[nodiscard]] std::size_t size() const { return channels_.size(); }

private:
    [[nodiscard]] LocalChannel* find(const ChannelName& name);

    const Dialect& dialect_;
    ShardMetrics& metrics_;
    std::unordered_map<ChannelName, LocalChannel, ChannelNameHash> channels_;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The channels that are at home on one shard: everything about a channel that must be ordered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/entries.hpp"
#include "core/idempotency.hpp"
#include "core/members.hpp"
#include "core/pending_subscribes.hpp"
#include "core/roster.hpp"
#include "model/channel_name.hpp"
#include "model/ids.hpp"
#include "util/timer_queue.hpp"

namespace roomcast {

/// One shard's interest in a channel, counted by subscriptions.
struct ShardInterest {
    ShardIndex shard = 0;
    bool is_resync_sent = false;     // a fresh roster is under way to it
    bool must_resync_again = false;  // and it has lost more since
    std::uint32_t subscriptions = 0;
    std::uint32_t broadcast = 0;
    std::uint32_t presence = 0;
};

enum class BrokerLink : std::uint8_t { none, waiting, live };

struct HomeChannel {
    ChannelName name;
    std::vector<ShardInterest> interest;  // of shards with subscriptions
    std::uint32_t broadcast_listeners = 0;
    std::uint32_t presence_listeners = 0;
    BrokerLink broker = BrokerLink::none;
    std::uint64_t broker_attempt = 0;  // which subscribe() of the broker is awaited
    std::uint64_t roster_attempt = 0;  // which snapshot() is awaited
    std::unique_ptr<Roster> roster;    // while the presence store is watched
    PendingSubscribes pending;
    TimerId pending_timer;
    TimerId roster_timer;
    TimerId idle_timer;
};

/// Counts each shard's interest, subscribes at the broker while there is some, lets subscribes wait
/// until the broker has confirmed, publishes, and spreads what arrives to the interested shards. A
/// channel is made on demand and erased when nothing refers to it.
class Home {
public:
    explicit Home(Shard& shard);

    void on(Subscribe& command);
    void on(Unsubscribe& command);
    void on(Release& release);
    void on(ForgetSession& forget);
    void on(std::unique_ptr<Publish>& publish);

    void on(std::unique_ptr<PresenceSet>& command) { members_.set(*command); }

    void on(std::unique_ptr<PresenceLeave>& command) { members_.leave(*command); }

    void on(std::unique_ptr<PresenceGet>& command);
    void on(ResyncTaken& taken);

    // From the broker and the presence store.
    void on_message(const BusMessage& message);
    void on_gap(const ChannelName& channel);
    void on_event(const PresenceEvent& event);
    void on_lost(const ChannelName& channel);

    /// Presence events did not fit into the mailbox of `shard`.
    void on_presence_refused(const ChannelName& channel, ShardIndex shard);

    void end_graces() { members_.end_graces(); }

    /// The presence store is there again: what it has refused is tried again now.
    void retry_presence();

    [[nodiscard]] std::vector<ChannelSummary> summaries(const ChannelQuery& query) const;

    [[nodiscard]] std::size_t channel_count() const { return channels_.size(); }

    [[nodiscard]] const Members& members() const { return members_; }

private:
    [[nodiscard]] HomeChannel& open(const ChannelName& name);
    [[nodiscard]] HomeChannel* find(const ChannelName& name);
    void close_if_idle(HomeChannel& channel);

    void add_interest(HomeChannel& channel, ShardIndex shard, ListenSet listen);
    void give_back(HomeChannel& channel, ShardIndex shard, ListenSet listen);
    void on_idle(const ChannelName& name);

    void link_broker(HomeChannel& channel);
    [[nodiscard]] static bool is_ready(const HomeChannel& channel, ListenSet listen);
    void confirm(HomeChannel& channel, Subscribe& command, bool is_counted);
    void confirm_pending(HomeChannel& channel);
    template <class Drop>
    void drop_pending(HomeChannel& channel, SessionId session, Drop drop);
    void fail(const HomeChannel& channel,
              const Subscribe& command,
              Errc code,
              std::string_view message);
    void arm_pending_timer(HomeChannel& channel);
    void on_pending_due(const ChannelName& name);

    void reply(const ReplyTo& reply, const ChannelName& channel, Result<PublishReceipt> result);

    void load_roster(HomeChannel& channel);
    void on_snapshot(const ChannelName& name,
                     std::uint64_t attempt,
                     Result<PresenceSnapshot> snapshot);
    void resync(HomeChannel& channel, ShardInterest& interest);
    void reply_presence(const ChannelName& channel,
                        const ReplyTo& reply,
                        Result<std::vector<PresenceEntry>> users);

    [[nodiscard]] FramePtr encode_error(Errc code,
                                        std::string_view message,
                                        const RequestId& id,
                                        const ChannelName& channel);

    Shard& shard_;
    std::unordered_map<ChannelName, HomeChannel, ChannelNameHash> channels_;
    Members members_;
    IdempotencyTable keys_;
    std::uint64_t attempts_ = 0;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// One thread's part of the hub: its sessions, its members of channels, and the channels at home
// here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/entries.hpp"
#include "core/hub_client.hpp"
#include "core/local_channels.hpp"
#include "core/metrics.hpp"
#include "core/post_office.hpp"
#include "core/services.hpp"
#include "core/session_table.hpp"
#include "model/ids.hpp"
#include "util/clock.hpp"
#include "util/timer_queue.hpp"

namespace roomcast {

class Home;
class Hub;
class ShardClient;

/// Used by one thread alone, that of its loop. The loop polls its sockets (and so calls
/// Session::on_text), then turn(), then sends what the outlets hold, then record_sent(), and sleeps
/// until next_deadline() or until the hub wakes it.
class Shard {
public:
    Shard(Hub& hub, ShardIndex index);
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    /// Runs due timers, takes the mail and hands over what others are to get, a bounded amount.
    /// True: more waits, call again without sleeping.
    bool turn(SteadyTime now);
    /// When turn() must be called at the latest.
    [[nodiscard]] std::optional<SteadyTime> next_deadline() const;
    /// Records how long the publications delivered since the last call took until now.
    void record_sent(SteadyTime now);

    /// SIGTERM: presence leaves without a grace from now on, so that it is announced before the
    /// process exits; or stays, where the store outlives this node.
    void drain();

    [[nodiscard]] HubClient& client();

    [[nodiscard]] ShardMetrics& metrics() { return metrics_; }

    [[nodiscard]] const ShardMetrics& metrics() const { return metrics_; }

    [[nodiscard]] ShardIndex index() const { return index_; }

    [[nodiscard]] const HubServices& services() const;

    /// The time as of this turn.
    [[nodiscard]] SteadyTime now() const { return now_; }

    // For the parts of core, on this shard's thread.

    [[nodiscard]] std::int64_t wall_ms() const { return wall_ms_; }

    /// Reads the clocks at the first client message after a turn: now() would be that before the
    /// loop's sleep.
    void wake_clock();

    [[nodiscard]] bool is_draining() const { return is_draining_; }

    [[nodiscard]] std::uint64_t next_message_id();

    [[nodiscard]] Hub& hub() { return hub_; }

    [[nodiscard]] SessionTable& sessions() { return sessions_; }

    [[nodiscard]] LocalChannels& channels() { return channels_; }

    [[nodiscard]] TimerQueue& timers() { return timers_; }

    [[nodiscard]] PostOffice& post() { return post_; }

    [[nodiscard]] ShardMailbox& mailbox() { return mailbox_; }

    [[nodiscard]] Home& home() { return *home_; }

    /// Memory for what Dialect::parse() unescapes.
    [[nodiscard]] std::string& scratch() { return scratch_; }

    /// Closes the user's sessions on this shard; gives their number.
    std::size_t disconnect_user(const std::string& user_id);

    void receive(Entry&& entry);
    /// A publish of this shard that found its home's mailbox full.
    void on_publish_refused(const Publish& publish);

private:
    struct Delivered {
        SteadyTime taken_at;
        std::size_t receivers;
    };

    void on(Deliver& entry);
    void on(DeliverPresence& entry);
    void on(GapMark& entry);
    void on(PresenceResync& entry);
    void on(Subscribed& entry);
    void on(SubscribeFailed& entry);
    void on(Unsubscribed& entry);
    void on(Answer& entry);
    void on(PublishAnswer& entry);

    void on(Work& entry) { entry(*this); }
    template <class ForHome>
    void on(ForHome& entry);  // the rest is for the channels at home here

    bool run_timers();
    bool take_mail();

    Hub& hub_;
    const ShardIndex index_;
    SteadyTime now_;
    std::int64_t wall_ms_;
    bool is_clock_stale_ = true;
    bool is_draining_ = false;
    std::size_t work_left_ = 0;  // in this turn
    std::uint64_t message_ids_ = 0;
    ShardMetrics metrics_;
    TimerQueue timers_;
    SessionTable sessions_;
    LocalChannels channels_;
    ShardMailbox mailbox_;
    PostOffice post_;
    std::vector<Entry> taken_;  // from the mailbox, handled up to taken_next_
    std::size_t taken_next_ = 0;
    std::vector<Delivered> delivered_;  // since record_sent()
    std::string scratch_;
    std::unique_ptr<Home> home_;
    std::unique_ptr<ShardClient> client_;
};

}  // namespace roomcast

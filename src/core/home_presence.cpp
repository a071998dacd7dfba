// SPDX-License-Identifier: Apache-2.0
// The roster of a channel for those who listen to presence: loaded, kept, told and asked for.
#include <algorithm>
#include <utility>

#include "core/home.hpp"
#include "core/shard.hpp"
#include "core/shard_client.hpp"

namespace roomcast {

namespace {

constexpr std::chrono::seconds kRetryPause{1};

void tell(Shard& shard, const HomeChannel& channel, const PresenceEvent& event) {
    if (channel.presence_listeners == 0) return;
    const FramePtr frame = shard.services().dialect.encode_presence(event);
    for (const ShardInterest& interest : channel.interest) {
        if (interest.presence > 0) {
            shard.post().to_shard(interest.shard, DeliverPresence{channel.name, frame});
        }
    }
}

}  // namespace

void Home::load_roster(HomeChannel& channel) {
    if (!channel.roster) {
        channel.roster = std::make_unique<Roster>();
        shard_.services().presence.watch(channel.name);
    }
    channel.roster->start_loading();
    channel.roster_attempt = ++attempts_;
    shard_.services().presence.snapshot(
        channel.name,
        [this, name = channel.name, attempt = attempts_](Result<PresenceSnapshot> snapshot) {
            on_snapshot(name, attempt, std::move(snapshot));
        });
}

void Home::on_snapshot(const ChannelName& name,
                       std::uint64_t attempt,
                       Result<PresenceSnapshot> snapshot) {
    HomeChannel* channel = find(name);
    if (!channel || !channel->roster || channel->roster_attempt != attempt) return;
    auto changes = snapshot ? channel->roster->load(std::move(*snapshot), name, shard_.wall_ms())
                            : std::nullopt;
    if (!changes) {
        channel->roster_timer = shard_.timers().add(shard_.now() + kRetryPause, [this, name] {
            HomeChannel* waiting = find(name);
            if (waiting && waiting->roster) load_roster(*waiting);
        });
        return;
    }
    for (const PresenceEvent& event : *changes)
        tell(shard_, *channel, event);
    confirm_pending(*channel);
}

void Home::on_event(const PresenceEvent& event) {
    HomeChannel* channel = find(event.channel);
    if (!channel || !channel->roster) return;
    const auto change = channel->roster->apply(event);
    if (!change) return;
    if (*change == event.change) return tell(shard_, *channel, event);
    PresenceEvent told = event;
    told.change = *change;
    tell(shard_, *channel, told);
}

void Home::on_lost(const ChannelName& name) {
    HomeChannel* channel = find(name);
    if (!channel || !channel->roster) return;
    shard_.timers().cancel(channel->roster_timer);
    load_roster(*channel);
}

void Home::on_presence_refused(const ChannelName& name, ShardIndex shard) {
    HomeChannel* channel = find(name);
    if (!channel) return;
    const auto interest = std::ranges::find(channel->interest, shard, &ShardInterest::shard);
    if (interest != channel->interest.end()) resync(*channel, *interest);
}

void Home::resync(HomeChannel& channel, ShardInterest& interest) {
    if (interest.presence == 0 || !channel.roster || !channel.roster->is_ready()) return;
    if (interest.is_resync_sent) {
        // One at a time: a shard that takes no mail must not be sent roster after roster.
        interest.must_resync_again = true;
        return;
    }
    interest.is_resync_sent = true;
    interest.must_resync_again = false;
    FramePtr sync = channel.roster->sync(shard_.services().dialect, channel.name);
    shard_.post().to_shard(interest.shard, PresenceResync{channel.name, std::move(sync)});
}

void Home::on(ResyncTaken& taken) {
    HomeChannel* channel = find(taken.channel);
    if (!channel) return;
    const auto interest = std::ranges::find(channel->interest, taken.shard, &ShardInterest::shard);
    if (interest == channel->interest.end()) return;
    interest->is_resync_sent = false;
    if (interest->must_resync_again) resync(*channel, *interest);
}

void Home::on(std::unique_ptr<PresenceGet>& command) {
    const HomeChannel* channel = find(command->channel);
    if (channel && channel->roster && channel->roster->is_ready()) {
        return reply_presence(command->channel, command->reply, channel->roster->users());
    }
    shard_.services().presence.snapshot(
        command->channel,
        [this, name = command->channel, reply = command->reply](Result<PresenceSnapshot> snapshot) {
            if (!snapshot) return reply_presence(name, reply, snapshot.error());
            reply_presence(name, reply, std::move(snapshot->users));
        });
}

void Home::reply_presence(const ChannelName& channel,
                          const ReplyTo& reply,
                          Result<std::vector<PresenceEntry>> users) {
    if (reply.request != 0) {
        return shard_.post().to_shard(
            reply.shard, Work([request = reply.request, users = std::move(users)](Shard& shard) {
                static_cast<ShardClient&>(shard.client()).on_presence(request, users);
            }));
    }
    Answer answer{reply.session, {}, 1};
    if (users) {
        answer.frame = shard_.services().dialect.encode_presence_list(reply.id, channel, *users);
        answer.is_large = true;
    } else {
        answer.frame = encode_error(
            Errc::unavailable, "the presence store did not answer; try again", reply.id, channel);
    }
    shard_.post().to_shard(shard_of(reply.session), std::move(answer));
}

}  // namespace roomcast

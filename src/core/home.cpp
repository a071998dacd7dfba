// SPDX-License-Identifier: Apache-2.0
// Interest, and subscribes that wait for their confirmation.
#include "core/home.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/hub.hpp"
#include "core/shard.hpp"
#include "util/assert.hpp"

namespace roomcast {

namespace {

/// How long broker and store go on sending a channel after its last listener has left: a page that
/// reloads comes back sooner.
constexpr std::chrono::seconds kIdleTime{5};

std::size_t key_capacity(Shard& shard) {
    return shard.services().limits.idempotency_keys / shard.hub().shard_count();
}

}  // namespace

Home::Home(Shard& shard)
    : shard_(shard),
      members_(shard),
      keys_(key_capacity(shard), shard.services().limits.idempotency_ttl) {}

HomeChannel& Home::open(const ChannelName& name) {
    const auto [found, is_new] = channels_.try_emplace(name);
    if (is_new) {
        found->second.name = name;
        shard_.metrics().channels.add();
    }
    return found->second;
}

HomeChannel* Home::find(const ChannelName& name) {
    const auto found = channels_.find(name);
    return found == channels_.end() ? nullptr : &found->second;
}

void Home::close_if_idle(HomeChannel& channel) {
    if (!channel.interest.empty() || !channel.pending.is_empty() ||
        channel.broker != BrokerLink::none || channel.roster) {
        return;
    }
    for (TimerId* timer : {&channel.pending_timer, &channel.roster_timer, &channel.idle_timer}) {
        shard_.timers().cancel(*timer);
    }
    const ChannelName name = channel.name;  // erase() would compare with what it erases
    channels_.erase(name);
    shard_.metrics().channels.subtract();
}

void Home::on(Subscribe& command) {
    HomeChannel& channel = open(command.channel);
    // Counted first: from here on the channel stays, and the broker's copy arrives.
    add_interest(channel, shard_of(command.session), command.listen);
    if ((command.listen & kListenBroadcast) && channel.broker == BrokerLink::none) {
        link_broker(channel);
    }
    if ((command.listen & kListenPresence) && !channel.roster) load_roster(channel);
    drop_pending(
        channel, command.session, [](const PendingSubscribe& pending) { return pending.is_told; });
    // A command never overtakes an older one of its session.
    if (!channel.pending.holds(command.session) && is_ready(channel, command.listen)) {
        confirm(channel, command, true);
    } else {
        const SteadyTime due = shard_.now() + shard_.services().limits.publish_timeout;
        channel.pending.add({std::move(command), due});
        arm_pending_timer(channel);
    }
    close_if_idle(channel);
}

void Home::on(Unsubscribe& command) {
    if (HomeChannel* channel = find(command.channel)) {
        drop_pending(*channel, command.session, [&](const PendingSubscribe& pending) {
            if (!pending.is_told) {
                fail(*channel, pending.command, Errc::unavailable, "ended before it was confirmed");
            }
            return true;
        });
        close_if_idle(*channel);
    }
    shard_.post().to_shard(
        shard_of(command.session),
        Unsubscribed{command.channel, command.session, std::move(command.id), command.serial});
}

void Home::on(Release& release) {
    HomeChannel* channel = find(release.channel);
    ASSERT(channel);
    give_back(*channel, release.shard, release.listen);
    close_if_idle(*channel);
}

void Home::on(ForgetSession& forget) {
    HomeChannel* channel = find(forget.channel);
    if (!channel) return;
    drop_pending(*channel, forget.session, [&](const PendingSubscribe& pending) {
        if (!pending.is_told) {
            fail(*channel, pending.command, forget.reason, "ended before it was confirmed");
        }
        return true;
    });
    close_if_idle(*channel);
}

void Home::add_interest(HomeChannel& channel, ShardIndex shard, ListenSet listen) {
    if (listen == kListenNothing) return;
    auto interest = std::ranges::find(channel.interest, shard, &ShardInterest::shard);
    if (interest == channel.interest.end()) {
        channel.interest.push_back({.shard = shard});
        interest = channel.interest.end() - 1;
    }
    const std::uint32_t broadcast = (listen & kListenBroadcast) ? 1 : 0;
    const std::uint32_t presence = (listen & kListenPresence) ? 1 : 0;
    ++interest->subscriptions;
    interest->broadcast += broadcast;
    interest->presence += presence;
    channel.broadcast_listeners += broadcast;
    channel.presence_listeners += presence;
}

void Home::give_back(HomeChannel& channel, ShardIndex shard, ListenSet listen) {
    if (listen == kListenNothing) return;
    const auto interest = std::ranges::find(channel.interest, shard, &ShardInterest::shard);
    ASSERT(interest != channel.interest.end());
    const std::uint32_t broadcast = (listen & kListenBroadcast) ? 1 : 0;
    const std::uint32_t presence = (listen & kListenPresence) ? 1 : 0;
    ASSERT(interest->broadcast >= broadcast && interest->presence >= presence);
    interest->broadcast -= broadcast;
    interest->presence -= presence;
    channel.broadcast_listeners -= broadcast;
    channel.presence_listeners -= presence;
    if (--interest->subscriptions == 0) channel.interest.erase(interest);
    const bool is_broker_idle =
        channel.broadcast_listeners == 0 && channel.broker != BrokerLink::none;
    const bool is_roster_idle = channel.presence_listeners == 0 && channel.roster;
    if (is_broker_idle || is_roster_idle) {
        shard_.timers().cancel(channel.idle_timer);
        channel.idle_timer = shard_.timers().add(shard_.now() + kIdleTime,
                                                 [this, name = channel.name] { on_idle(name); });
    }
}

void Home::on_idle(const ChannelName& name) {
    HomeChannel* channel = find(name);
    if (!channel) return;
    if (channel->broadcast_listeners == 0 && channel->broker != BrokerLink::none) {
        channel->broker = BrokerLink::none;
        shard_.services().broker.unsubscribe(name);
    }
    if (channel->presence_listeners == 0 && channel->roster) {
        channel->roster.reset();
        shard_.timers().cancel(channel->roster_timer);
        shard_.services().presence.unwatch(name);
    }
    close_if_idle(*channel);
}

void Home::link_broker(HomeChannel& channel) {
    channel.broker = BrokerLink::waiting;
    channel.broker_attempt = ++attempts_;
    shard_.services().broker.subscribe(
        channel.name, [this, name = channel.name, attempt = attempts_] {
            HomeChannel* confirmed = find(name);
            if (!confirmed || confirmed->broker != BrokerLink::waiting ||
                confirmed->broker_attempt != attempt) {
                return;
            }
            confirmed->broker = BrokerLink::live;
            confirm_pending(*confirmed);
        });
}

bool Home::is_ready(const HomeChannel& channel, ListenSet listen) {
    if ((listen & kListenBroadcast) && channel.broker != BrokerLink::live) return false;
    return !(listen & kListenPresence) || channel.roster->is_ready();
}

void Home::confirm(HomeChannel& channel, Subscribe& command, bool is_counted) {
    FramePtr sync;
    if (command.listen & kListenPresence) {
        sync = channel.roster->sync(shard_.services().dialect, channel.name);
    }
    shard_.post().to_shard(shard_of(command.session),
                           Subscribed{.channel = channel.name,
                                      .session = command.session,
                                      .id = is_counted ? std::move(command.id) : RequestId(),
                                      .sync = std::move(sync),
                                      .serial = command.serial,
                                      .listen = command.listen,
                                      .is_counted = is_counted});
}

void Home::confirm_pending(HomeChannel& channel) {
    std::unordered_set<SessionId> held;  // sessions with an older command that still waits
    channel.pending.take_if([&](PendingSubscribe& pending) {
        const SessionId session = pending.command.session;
        if (is_ready(channel, pending.command.listen) && !held.contains(session)) {
            confirm(channel, pending.command, !pending.is_told);
            return true;
        }
        held.insert(session);
        return false;
    });
    arm_pending_timer(channel);
}

template <class Drop>
void Home::drop_pending(HomeChannel& channel, SessionId session, Drop drop) {
    if (!channel.pending.holds(session)) return;
    channel.pending.take_if([&](const PendingSubscribe& pending) {
        if (pending.command.session != session || !drop(pending)) return false;
        give_back(channel, shard_of(session), pending.command.listen);
        return true;
    });
    arm_pending_timer(channel);
}

void Home::fail(const HomeChannel& channel,
                const Subscribe& command,
                Errc code,
                std::string_view message) {
    FramePtr error;
    if (!command.id.empty()) error = encode_error(code, message, command.id, channel.name);
    shard_.post().to_shard(shard_of(command.session),
                           SubscribeFailed{channel.name, command.session, std::move(error)});
}

void Home::arm_pending_timer(HomeChannel& channel) {
    const PendingSubscribe* first = channel.pending.first_untold();
    if (!first) return shard_.timers().cancel(channel.pending_timer);
    if (shard_.timers().is_set(channel.pending_timer)) return;  // due earlier, it will look again
    channel.pending_timer =
        shard_.timers().add(first->due, [this, name = channel.name] { on_pending_due(name); });
}

void Home::on_pending_due(const ChannelName& name) {
    HomeChannel* channel = find(name);
    if (!channel) return;
    // Only the newest command of a session that was told goes on waiting: a client that tries again
    // and again during an outage adds nothing.
    std::unordered_set<SessionId> seen;
    channel->pending.for_each_from_youngest([&](PendingSubscribe& pending) {
        const bool is_newest = seen.insert(pending.command.session).second;
        if (!pending.is_told && pending.due <= shard_.now()) {
            fail(*channel,
                 pending.command,
                 Errc::unavailable,
                 "not confirmed yet; the subscription is kept and starts later");
            pending.is_told = true;
        }
        pending.is_superseded = !is_newest && pending.is_told;
    });
    channel->pending.take_if([&](const PendingSubscribe& pending) {
        if (!pending.is_superseded) return false;
        give_back(*channel, shard_of(pending.command.session), pending.command.listen);
        return true;
    });
    arm_pending_timer(*channel);
}

void Home::retry_presence() {
    members_.retry();
    std::vector<ChannelName> waiting;
    for (const auto& [name, channel] : channels_) {
        if (shard_.timers().is_set(channel.roster_timer)) waiting.push_back(name);
    }
    for (const ChannelName& name : waiting) {
        HomeChannel* channel = find(name);
        if (!channel || !channel->roster) continue;
        shard_.timers().cancel(channel->roster_timer);
        load_roster(*channel);
    }
}

FramePtr Home::encode_error(Errc code,
                            std::string_view message,
                            const RequestId& id,
                            const ChannelName& channel) {
    shard_.metrics().errors[static_cast<std::size_t>(code)].add();
    return shard_.services().dialect.encode_error({.code = code,
                                                   .message = std::string(message),
                                                   .id = id,
                                                   .channel = std::string(channel.text())});
}

std::vector<ChannelSummary> Home::summaries(const ChannelQuery& query) const {
    std::vector<ChannelSummary> found;
    const auto matches = [&](std::string_view name) {
        return name.starts_with(query.prefix) && name > query.after;
    };
    for (const auto& [name, channel] : channels_) {
        if (!matches(name.text())) continue;
        ChannelSummary summary{.name = std::string(name.text())};
        for (const ShardInterest& interest : channel.interest) {
            summary.subscribers += interest.subscriptions;
        }
        summary.users = channel.roster && channel.roster->is_ready()
                            ? channel.roster->users().size()
                            : members_.user_count(name);
        if (summary.subscribers > 0 || summary.users > 0) found.push_back(std::move(summary));
    }
    members_.for_each_channel([&](const ChannelName& name, std::size_t users) {
        if (!channels_.contains(name) && matches(name.text())) {
            found.push_back({.name = std::string(name.text()), .users = users});
        }
    });
    return found;
}

}  // namespace roomcast

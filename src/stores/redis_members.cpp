// SPDX-License-Identifier: Apache-2.0
#include "stores/redis_members.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "stores/redis_scripts.hpp"
#include "util/log.hpp"

namespace roomcast {

namespace {

using std::chrono::milliseconds;

/// What was written in the last moments may be missing after a fail-over.
constexpr milliseconds kRecent{10'000};
constexpr milliseconds kRestorePause{1'000};
/// Restores under way at once: a storm of them leaves room for the users' own commands.
constexpr std::size_t kRestoreWindow = 256;
/// A number that grows by so much between two touches has started over.
constexpr std::uint64_t kSequenceJump = 1'000'000;

}  // namespace

RedisMembers::RedisMembers(RedisPresenceContext& context, RedisLease& lease)
    : context_(context),
      lease_(lease) {}

RedisMembers::~RedisMembers() {
    for (auto& [name, channel] : channels_)
        context_.loop.timers().cancel(channel.touch_timer);
    context_.loop.timers().cancel(restore_timer_);
}

RedisMembers::Channel* RedisMembers::find(const ChannelName& name) {
    const auto found = channels_.find(name);
    return found == channels_.end() ? nullptr : &found->second;
}

RedisMembers::Channel& RedisMembers::open(const ChannelName& name) {
    const auto [found, is_new] = channels_.try_emplace(name);
    if (is_new) {
        arm_touch(name, found->second);
        context_.counters.channels.store(channels_.size());
    }
    return found->second;
}

bool RedisMembers::holds(const ChannelName& channel, const std::string& user) const {
    const auto found = channels_.find(channel);
    return found != channels_.end() && found->second.users.contains(user);
}

bool RedisMembers::knows(const ChannelName& channel, const std::string& user) const {
    const auto found = channels_.find(channel);
    return found != channels_.end() &&
           (found->second.users.contains(user) || found->second.gone.contains(user));
}

std::vector<std::string> RedisMembers::missing(
    const ChannelName& channel,
    const std::unordered_set<std::string, SeededStringHash, std::equal_to<>>& listed,
    SteadyTime time) const {
    std::vector<std::string> users;
    const auto found = channels_.find(channel);
    if (found == channels_.end()) return users;
    for (const auto& [user, held] : found->second.users) {
        if (held.written_at < time && !listed.contains(user)) users.push_back(user);
    }
    return users;
}

bool RedisMembers::has_channel(const ChannelName& channel) const {
    return channels_.contains(channel);
}

std::size_t RedisMembers::unconfirmed_leaves() const {
    std::size_t count = 0;
    for (const auto& [name, channel] : channels_) {
        count += static_cast<std::size_t>(std::ranges::count_if(
            channel.gone, [](const auto& each) { return !each.second.is_confirmed; }));
    }
    return count;
}

// ---- what is wanted ----

RedisMembers::Held& RedisMembers::hold(RedisUser& user) {
    Channel& channel = open(user.channel);
    channel.gone.erase(user.user_id);
    const auto [found, is_new] = channel.users.try_emplace(user.user_id);
    if (is_new) context_.counters.users.store(++user_count_);
    found->second.meta = user.meta;
    found->second.written_at = context_.loop.now();
    return found->second;
}

void RedisMembers::forget(const ChannelName& name, const std::string& user) {
    Channel& channel = open(name);
    if (channel.users.erase(user) > 0) context_.counters.users.store(--user_count_);
    channel.gone[user] = {.left_at = context_.loop.now(), .is_confirmed = false};
}

void RedisMembers::put(RedisUser user, UpsertKind kind, PresenceCallback done) {
    hold(user);
    write(std::move(user), kind, [done = std::move(done)](bool is_done) {
        done(is_done ? Result<void>() : Errc::unavailable);
    });
}

void RedisMembers::leave(const ChannelName& channel,
                         const std::string& user,
                         PresenceCallback done) {
    forget(channel, user);
    write_leave(channel, user, [done = std::move(done)](bool is_done) {
        done(is_done ? Result<void>() : Errc::unavailable);
    });
}

// ---- writing ----

void RedisMembers::when_registered(const ChannelName& name, std::function<void(bool)> work) {
    Channel& channel = open(name);
    if (channel.registration == Registration::done) return work(true);
    channel.waiting.push_back(std::move(work));
    if (std::exchange(channel.registration, Registration::under_way) == Registration::under_way) {
        return;
    }
    const std::string key = redis_channels_key(context_.options.prefix, lease_.node());
    context_.client.call(key,
                         resp::Command{"SADD", key, name.text()},
                         [this, name, generation = lease_.generation()](const redis::Reply& reply) {
                             on_registered(name, generation, reply.has_value());
                         });
}

void RedisMembers::on_registered(const ChannelName& name, std::uint64_t generation, bool is_done) {
    Channel* channel = find(name);
    if (!channel || generation != lease_.generation()) return;
    channel->registration = is_done ? Registration::done : Registration::none;
    for (const auto& work : std::exchange(channel->waiting, {}))
        work(is_done);
}

void RedisMembers::write(RedisUser user, UpsertKind kind, std::function<void(bool)> done) {
    const ChannelName name = user.channel;
    ++in_flight_;
    ++open(name).in_flight;
    const auto finish = [this, name, done = std::move(done)](bool is_done) {
        on_written(name);
        done(is_done);
    };
    when_registered(name, [this, user = std::move(user), kind, finish](bool is_registered) {
        if (!is_registered || !lease_.is_held()) return finish(false);
        upsert_presence(context_, user, lease_.node(), kind, [finish](const redis::Reply& reply) {
            finish(reply.has_value());
        });
    });
}

void RedisMembers::write_leave(const ChannelName& name,
                               const std::string& user,
                               std::function<void(bool)> done) {
    ++in_flight_;
    ++open(name).in_flight;
    const auto finish = [this, name, user, done = std::move(done)](bool is_done) {
        if (Channel* channel = find(name); channel && is_done) {
            const auto gone = channel->gone.find(user);
            if (gone != channel->gone.end()) gone->second.is_confirmed = true;
        }
        on_written(name);
        done(is_done);
    };
    // Who was never registered owns nobody here, under this id.
    if (open(name).registration == Registration::none) return finish(true);
    when_registered(name, [this, name, user, finish](bool is_registered) {
        if (!is_registered || !lease_.is_held()) return finish(false);
        const std::string users[] = {user};
        leave_presence(context_, name, lease_.node(), users, [finish](const redis::Reply& reply) {
            finish(reply.has_value());
        });
    });
}

void RedisMembers::on_written(const ChannelName& name) {
    --in_flight_;
    if (Channel* channel = find(name)) --channel->in_flight;
}

// ---- putting back ----

void RedisMembers::on_lease_held(bool is_new_id) {
    const SteadyTime recent = context_.loop.now() - kRecent;
    for (auto& [name, channel] : channels_) {
        if (is_new_id) {
            channel.registration = Registration::none;
            // Their registration was that of the old id.
            for (const auto& work : std::exchange(channel.waiting, {}))
                work(false);
        }
        for (auto& [user, held] : channel.users) {
            if (is_new_id || held.written_at >= recent) enqueue(name, user, held);
        }
        std::vector<std::string> again;
        for (const auto& [user, gone] : channel.gone) {
            if (!gone.is_confirmed || gone.left_at >= recent) again.push_back(user);
        }
        for (const std::string& user : again)
            write_leave(name, user, [](bool) {});
    }
    restore_next();
}

void RedisMembers::restore(const ChannelName& name, const std::string& user) {
    Channel* channel = find(name);
    if (!channel) return;
    const auto held = channel->users.find(user);
    if (held == channel->users.end()) return;
    enqueue(name, user, held->second);
    restore_next();
}

void RedisMembers::restore_channel(const ChannelName& name) {
    Channel* channel = find(name);
    if (!channel) return;
    for (auto& [user, held] : channel->users)
        enqueue(name, user, held);
    restore_next();
}

void RedisMembers::enqueue(const ChannelName& channel, const std::string& user, Held& held) {
    if (!std::exchange(held.is_restoring, true)) restores_.emplace_back(channel, user);
}

void RedisMembers::restore_next() {
    while (lease_.is_held() && !context_.loop.timers().is_set(restore_timer_) &&
           !restores_.empty() && restores_in_flight_ < kRestoreWindow) {
        const auto [name, user_id] = std::move(restores_.front());
        restores_.pop_front();
        Channel* channel = find(name);
        if (!channel) continue;
        const auto held = channel->users.find(user_id);
        if (held == channel->users.end()) continue;
        RedisUser user{.channel = name, .user_id = user_id, .meta = held->second.meta};
        ++restores_in_flight_;
        write(user,
              UpsertKind::restore,
              [this, user, generation = lease_.generation()](bool is_done) {
                  on_restored(user, generation, is_done);
              });
    }
}

void RedisMembers::on_restored(const RedisUser& user, std::uint64_t generation, bool is_done) {
    --restores_in_flight_;
    const bool is_of_old_id = generation != lease_.generation();
    if (is_done) context_.counters.restored.add();
    Channel* channel = find(user.channel);
    if (channel) {
        const auto held = channel->users.find(user.user_id);
        if (held != channel->users.end()) {
            held->second.is_restoring = false;
            if (!is_done || is_of_old_id) enqueue(user.channel, user.user_id, held->second);
        }
    }
    if (is_done || is_of_old_id) return restore_next();
    if (!context_.loop.timers().is_set(restore_timer_)) {
        restore_timer_ = context_.loop.timers().add(context_.loop.now() + kRestorePause,
                                                    [this] { restore_next(); });
    }
}

// ---- keeping alive ----

void RedisMembers::arm_touch(const ChannelName& name, Channel& channel) {
    channel.touch_timer = context_.loop.timers().add(context_.after_about(context_.times.touch),
                                                     [this, name] { touch(name); });
}

void RedisMembers::touch(const ChannelName& name) {
    Channel* channel = find(name);
    if (!channel) return;
    arm_touch(name, *channel);
    if (!lease_.is_held()) return;
    if (!channel->users.empty() && channel->registration == Registration::done) {
        const RedisChannelKeys keys = context_.keys_of(name);
        const std::string names[] = {keys.presence, keys.owners};
        const std::string arguments[] = {std::to_string(context_.times.ttl.count())};
        context_.client.eval(redis_presence_scripts().touch,
                             names,
                             arguments,
                             [this, name](const redis::Reply& reply) { on_touched(name, reply); });
    }
    sweep(name, *channel);
}

void RedisMembers::on_touched(const ChannelName& name, const redis::Reply& reply) {
    Channel* channel = find(name);
    if (!channel || !reply || reply->items.size() != 3) return;
    const bool is_missing = reply->items[0].integer == 0 || reply->items[1].integer == 0;
    const std::uint64_t sequence = std::strtoull(reply->items[2].text.c_str(), nullptr, 10);
    const bool has_jumped =
        channel->sequence != 0 &&
        (sequence < channel->sequence || sequence > channel->sequence + kSequenceJump);
    channel->sequence = sequence;
    if (!is_missing && !has_jumped) return;
    log::warn("presence: Redis has lost a channel; its users are put back",
              {{"channel", name.text()}});
    context_.counters.repaired_missing.add();
    // What names the channel to a reaper may be lost too.
    const std::string key = redis_channels_key(context_.options.prefix, lease_.node());
    context_.client.call(key, resp::Command{"SADD", key, name.text()}, [](const redis::Reply&) {});
    restore_channel(name);
}

void RedisMembers::sweep(const ChannelName& name, Channel& channel) {
    const SteadyTime recent = context_.loop.now() - kRecent;
    std::vector<std::string> again;
    std::erase_if(channel.gone, [&](const auto& each) {
        if (!each.second.is_confirmed) again.push_back(each.first);
        return each.second.is_confirmed && each.second.left_at < recent;
    });
    for (const std::string& user : again)
        write_leave(name, user, [](bool) {});
    if (channel.users.empty() && channel.gone.empty() && channel.in_flight == 0) close(name);
}

void RedisMembers::close(const ChannelName& name) {
    const auto found = channels_.find(name);
    context_.loop.timers().cancel(found->second.touch_timer);
    if (found->second.registration != Registration::none) {
        const std::string key = redis_channels_key(context_.options.prefix, lease_.node());
        context_.client.call(
            key, resp::Command{"SREM", key, name.text()}, [](const redis::Reply&) {});
    }
    channels_.erase(found);  // not by name, which may be the key itself
    context_.counters.channels.store(channels_.size());
}

}  // namespace roomcast

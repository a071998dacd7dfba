// SPDX-License-Identifier: Apache-2.0
#include "core/members.hpp"

#include <algorithm>
#include <utility>

#include "core/shard.hpp"

namespace roomcast {

namespace {

constexpr std::chrono::seconds kRetryPause{1};
/// While the store is away: it says so when it is back.
constexpr std::chrono::seconds kLongRetryPause{15};

bool is_same(const MetaText& a, const MetaText& b) {
    return a == b || (a && b && *a == *b);
}

}  // namespace

void Members::set(PresenceSet& command) {
    User& user = channels_[command.channel][command.user_id];
    const auto session = command.reply.session;
    const bool is_new = std::ranges::find(user.connections, session) == user.connections.end();
    if (is_new) {
        user.connections.push_back(session);
        user.grace_until = {};
        shard_.timers().cancel(user.grace);
    }
    if (command.is_update && !is_new && user.is_wanted) user.must_announce = true;
    user.meta = std::move(command.meta);
    want(user, true);
    user.waiting.push_back(std::move(command.reply));
    step(command.channel, command.user_id);
}

void Members::leave(PresenceLeave& command) {
    User* user = find(command.channel, command.user_id);
    if (!user) return reply(command.reply, command.channel, std::nullopt);
    const bool was_joined = std::erase(user->connections, command.reply.session) > 0;
    user->waiting.push_back(std::move(command.reply));
    if (command.is_final) {
        user->grace_until = {};
    } else if (was_joined && command.grace > command.grace.zero()) {
        user->grace_until = std::max(user->grace_until, shard_.now() + command.grace);
    }
    if (user->connections.empty() && user->is_wanted) {
        shard_.timers().cancel(user->grace);
        if (user->grace_until > shard_.now()) {
            user->grace = shard_.timers().add(
                user->grace_until, [this, channel = command.channel, user_id = command.user_id] {
                    on_grace_over(channel, user_id);
                });
        } else {
            want(*user, false);
        }
    }
    step(command.channel, command.user_id);
}

void Members::end_graces() {
    std::vector<std::pair<ChannelName, std::string>> waiting;
    for (const auto& [channel, users] : channels_) {
        for (const auto& [user_id, user] : users) {
            if (shard_.timers().is_set(user.grace)) waiting.emplace_back(channel, user_id);
        }
    }
    for (const auto& [channel, user_id] : waiting) {
        shard_.timers().cancel(find(channel, user_id)->grace);
        on_grace_over(channel, user_id);
    }
}

void Members::retry() {
    std::vector<std::pair<ChannelName, std::string>> refused;
    for (const auto& [channel, users] : channels_) {
        for (const auto& [user_id, user] : users) {
            if (shard_.timers().is_set(user.retry)) refused.emplace_back(channel, user_id);
        }
    }
    for (const auto& [channel, user_id] : refused)
        step(channel, user_id);
}

void Members::on_grace_over(const ChannelName& channel, const std::string& user_id) {
    want(*find(channel, user_id), false);
    step(channel, user_id);
}

std::size_t Members::user_count(const ChannelName& channel) const {
    const auto found = channels_.find(channel);
    return found == channels_.end() ? 0 : found->second.size();
}

Members::User* Members::find(const ChannelName& channel, const std::string& user_id) {
    const auto users = channels_.find(channel);
    if (users == channels_.end()) return nullptr;
    const auto user = users->second.find(user_id);
    return user == users->second.end() ? nullptr : &user->second;
}

bool Members::is_settled(const User& user) {
    if (!user.is_wanted) return user.stored == Stored::absent;
    return user.stored == Stored::present && !user.must_announce &&
           is_same(user.stored_meta, user.meta);
}

void Members::want(User& user, bool is_wanted) {
    if (user.is_wanted == is_wanted) return;
    user.is_wanted = is_wanted;
    if (is_wanted) {
        shard_.metrics().presence_members.add();
    } else {
        shard_.metrics().presence_members.subtract();
        user.must_announce = false;
        user.meta = nullptr;
    }
}

// By value: the entry that holds the originals may go meanwhile.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void Members::step(ChannelName channel, std::string user_id) {
    User* const user = find(channel, user_id);
    if (!user || user->is_in_flight) return;
    shard_.timers().cancel(user->retry);
    if (is_settled(*user)) {
        reply_all(user->waiting, channel, std::nullopt);
        if (!user->is_wanted) {
            Users& users = channels_.find(channel)->second;
            users.erase(user_id);
            if (users.empty()) channels_.erase(channel);
        }
        return;
    }
    user->is_in_flight = true;
    user->is_leaving = !user->is_wanted;
    user->meta_in_flight = user->meta;
    user->must_announce = false;
    std::swap(user->replies_in_flight, user->waiting);
    PresenceStore& store = shard_.services().presence;
    const bool is_update = user->stored == Stored::present;
    const MetaText meta = user->meta;
    auto done = [this, channel, user_id](Result<void> result) {
        on_stored(channel, user_id, result);
    };
    // From here on `user` may be gone: the store may answer from within the call.
    if (user->is_leaving) {
        store.leave(channel, user_id, std::move(done));
    } else if (is_update) {
        store.update(channel, user_id, meta, std::move(done));
    } else {
        store.join(channel, user_id, meta, std::move(done));
    }
}

void Members::on_stored(const ChannelName& channel,
                        const std::string& user_id,
                        Result<void> result) {
    User* const user = find(channel, user_id);
    if (!user || !std::exchange(user->is_in_flight, false)) return;
    std::vector<PresenceReply> replies = std::exchange(user->replies_in_flight, {});
    if (result) {
        user->stored = user->is_leaving ? Stored::absent : Stored::present;
        user->stored_meta = std::exchange(user->meta_in_flight, nullptr);
        reply_all(replies, channel, std::nullopt);
        return step(channel, user_id);
    }
    user->stored = Stored::unknown;  // it may have been done all the same
    reply_all(replies, channel, Errc::unavailable);
    const auto pause = shard_.services().presence.is_connected() ? kRetryPause : kLongRetryPause;
    user->retry = shard_.timers().add(shard_.now() + pause,
                                      [this, channel, user_id] { step(channel, user_id); });
}

void Members::reply_all(std::vector<PresenceReply>& replies,
                        const ChannelName& channel,
                        std::optional<Errc> error) {
    for (const PresenceReply& each : std::exchange(replies, {}))
        reply(each, channel, error);
}

void Members::reply(const PresenceReply& reply,
                    const ChannelName& channel,
                    std::optional<Errc> error) {
    const Dialect& dialect = shard_.services().dialect;
    const auto frame_for = [&](const RequestId& id) {
        if (!error) return id.empty() ? FramePtr() : dialect.encode_ack(id, shard_.wall_ms());
        shard_.metrics().errors[static_cast<std::size_t>(*error)].add();
        return dialect.encode_error({.code = *error,
                                     .message = "the presence store did not take it; try again",
                                     .id = id,
                                     .channel = std::string(channel.text())});
    };
    const ShardIndex target = shard_of(reply.session);
    for (const RequestId& id : reply.ids) {
        shard_.post().to_shard(target, Answer{reply.session, frame_for(id), 1});
    }
    if (reply.silent_commands > 0) {
        shard_.post().to_shard(target, Answer{reply.session, frame_for({}), reply.silent_commands});
    }
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// A session's part in presence: joined channels, and updates merged over the presence rate.
#include <algorithm>
#include <string>
#include <utility>

#include "core/merged_presence.hpp"
#include "core/session.hpp"
#include "core/shard.hpp"

namespace roomcast {

namespace {

/// Puts the commands of `from` in front of those of `to`.
void add_commands(PresenceReply& to, PresenceReply&& from) {
    std::ranges::move(to.ids, std::back_inserter(from.ids));
    to.ids = std::move(from.ids);
    to.silent_commands += from.silent_commands;
}

PresenceReply reply_to(SessionId session, RequestId& id) {
    PresenceReply reply;
    reply.session = session;
    if (id.empty()) {
        reply.silent_commands = 1;
    } else {
        reply.ids.push_back(std::move(id));
    }
    return reply;
}

}  // namespace

RateLimiter::Rate Session::presence_rate(const Limits& limits) {
    return {.per_second = limits.presence_rate, .burst = limits.presence_rate};
}

void Session::carry_out(RequestId& id, const PresenceSetCommand& command) {
    if (!check_right(Right::presence, id, command.channel)) return;
    const Limits& limits = shard_.services().limits;
    Tie* const known = find_tie(command.channel);
    const bool is_joined = known && known->is_joined;
    if (!is_joined && presence_count_ >= limits.presence_channels) {
        return refuse(Errc::limit,
                      "presence on at most " + std::to_string(limits.presence_channels) +
                          " channels from one connection",
                      id,
                      command.channel);
    }
    count_command();
    PresenceSet set{.channel = command.channel,
                    .user_id = identity_.user_id,
                    .meta = nullptr,
                    .is_update = command.is_update,
                    .reply = reply_to(id_, id)};
    if (!command.meta.empty()) set.meta = std::make_shared<const std::string>(command.meta);
    if (!is_joined) {
        // Joins are bounded by their number; only what follows counts towards the rate.
        tie_to(command.channel).is_joined = true;
        ++presence_count_;
        return send_presence(std::move(set));
    }
    if (merged_ || !presence_rate_.try_take(presence_rate(limits), shard_.now())) {
        return merge_presence(std::move(set));
    }
    send_presence(std::move(set));
}

void Session::carry_out(RequestId& id, const PresenceLeaveCommand& command) {
    if (!check_right(Right::presence, id, command.channel)) return;
    count_command();
    auto leave = std::make_unique<PresenceLeave>();
    leave->channel = command.channel;
    leave->user_id = identity_.user_id;
    leave->reply = reply_to(id_, id);
    if (Tie* tie = find_tie(command.channel); tie && tie->is_joined) {
        // What was held back never happened; its commands are answered with the leave.
        if (auto held = take_merged(command.channel)) {
            add_commands(leave->reply, std::move(held->reply));
        }
        tie->is_joined = false;
        --presence_count_;
        drop_if_loose(*tie);
    }
    shard_.post().to_home(command.channel, std::move(leave));
}

void Session::leave_presence(Tie& tie, std::chrono::milliseconds grace, bool is_final) {
    tie.is_joined = false;
    --presence_count_;
    auto leave = std::make_unique<PresenceLeave>();
    leave->channel = tie.channel;
    leave->user_id = identity_.user_id;
    leave->grace = grace;
    leave->is_final = is_final;
    leave->reply.session = id_;
    if (auto held = take_merged(tie.channel)) add_commands(leave->reply, std::move(held->reply));
    shard_.post().to_home(tie.channel, std::move(leave));
}

void Session::send_presence(PresenceSet set) {
    const ChannelName channel = set.channel;
    shard_.post().to_home(channel, std::make_unique<PresenceSet>(std::move(set)));
}

void Session::merge_presence(PresenceSet set) {
    if (!merged_) {
        merged_ = std::make_unique<MergedPresence>();
        schedule_merged();
    }
    const auto held = std::ranges::find(merged_->sets, set.channel, &PresenceSet::channel);
    if (held == merged_->sets.end()) return merged_->sets.push_back(std::move(set));
    add_commands(set.reply, std::move(held->reply));
    set.is_update = set.is_update || held->is_update;
    *held = std::move(set);
}

std::optional<PresenceSet> Session::take_merged(const ChannelName& channel) {
    if (!merged_) return std::nullopt;
    const auto held = std::ranges::find(merged_->sets, channel, &PresenceSet::channel);
    if (held == merged_->sets.end()) return std::nullopt;
    std::optional<PresenceSet> taken = std::move(*held);
    merged_->sets.erase(held);
    if (merged_->sets.empty()) end_merging();
    return taken;
}

void Session::schedule_merged() {
    const auto wait = presence_rate_.wait(presence_rate(shard_.services().limits));
    merged_->timer = shard_.timers().add(shard_.now() + wait, [this] { flush_merged(); });
}

void Session::flush_merged() {
    while (!merged_->sets.empty() &&
           presence_rate_.try_take(presence_rate(shard_.services().limits), shard_.now())) {
        send_presence(std::move(merged_->sets.front()));
        merged_->sets.pop_front();
    }
    if (merged_->sets.empty()) return end_merging();
    schedule_merged();
}

void Session::end_merging() {
    shard_.timers().cancel(merged_->timer);
    merged_.reset();
}

}  // namespace roomcast

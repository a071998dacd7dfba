// SPDX-License-Identifier: Apache-2.0
#include "core/local_channels.hpp"

#include <string_view>
#include <utility>

#include "core/session.hpp"
#include "util/assert.hpp"

namespace roomcast {

LocalChannel* LocalChannels::find(const ChannelName& name) {
    const auto found = channels_.find(name);
    return found == channels_.end() ? nullptr : &found->second;
}

LocalChannel& LocalChannels::open(const ChannelName& name) {
    const auto [found, is_new] = channels_.try_emplace(name);
    if (is_new) found->second.name = name;
    return found->second;
}

void LocalChannels::close_if_empty(LocalChannel& channel) {
    if (!channel.broadcast.empty() || !channel.presence.empty()) return;
    const ChannelName name = channel.name;  // erase() would compare with what it erases
    channels_.erase(name);
}

std::uint32_t LocalChannels::join(LocalChannel& channel, ListenSet which, Member member) {
    std::vector<Member>& members = channel.list(which);
    members.push_back(member);
    return static_cast<std::uint32_t>(members.size() - 1);
}

void LocalChannels::leave(LocalChannel& channel, ListenSet which, std::uint32_t position) {
    std::vector<Member>& members = channel.list(which);
    ASSERT(position < members.size());
    if (position + 1 != members.size()) {
        members[position] = members.back();
        members[position].session->on_member_moved(members[position].tie, which, position);
    }
    members.pop_back();
    if (members.capacity() > 64 && members.size() < members.capacity() / 4) members.shrink_to_fit();
}

std::size_t LocalChannels::deliver(const ChannelName& name,
                                   FramePtr frame,
                                   const Session* excluded) {
    const LocalChannel* channel = find(name);
    if (!channel || channel->broadcast.empty()) return 0;
    const LocalFramePtr local = make_local(std::move(frame));
    std::size_t receivers = channel->broadcast.size();
    if (!excluded) {
        for (const Member& member : channel->broadcast)
            member.outlet->push(local);
    } else {
        for (const Member& member : channel->broadcast) {
            if (member.session == excluded) {
                --receivers;
            } else {
                member.outlet->push(local);
            }
        }
    }
    metrics_.deliveries.add(receivers);
    return receivers;
}

std::size_t LocalChannels::deliver_presence(const ChannelName& name, FramePtr frame) {
    const LocalChannel* channel = find(name);
    if (!channel || channel->presence.empty()) return 0;
    const LocalFramePtr local = make_local(std::move(frame));
    for (const Member& member : channel->presence)
        member.outlet->push(local);
    metrics_.presence_deliveries.add(channel->presence.size());
    return channel->presence.size();
}

std::size_t LocalChannels::resync_presence(const ChannelName& name, FramePtr sync) {
    const LocalChannel* channel = find(name);
    if (!channel || channel->presence.empty()) return 0;
    const LocalFramePtr local = make_local(std::move(sync));
    for (const Member& member : channel->presence)
        member.outlet->push_answer(local);
    return channel->presence.size();
}

void LocalChannels::tell_gap(const GapMark& mark) {
    const LocalChannel* channel = find(mark.channel);
    if (!channel) return;
    const std::string_view reason = mark.reason == GapReason::broker ? "broker" : "overload";
    LocalFramePtr frame;
    for (const Member& member : channel->broadcast) {
        if (!member.session->is_versioned()) {
            metrics_.gaps_untold.add();
            continue;
        }
        if (!frame) frame = make_local(dialect_.encode_gap(mark.channel, reason));
        member.outlet->push(frame);
        metrics_.gaps.add();
    }
}

}  // namespace roomcast

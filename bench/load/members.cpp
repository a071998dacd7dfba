// SPDX-License-Identifier: Apache-2.0
#include "load/members.hpp"

#include <utility>

#include "load/poll_until.hpp"

namespace roomcast::bench {

namespace {

std::string command(std::string_view type, std::string_view channel, std::string_view rest) {
    std::string text = R"({"type":")";
    return text.append(type)
        .append(R"(","channel":")")
        .append(channel)
        .append(R"(",)")
        .append(rest)
        .append("}");
}

std::uint64_t count_of(std::string_view part, std::string_view text) {
    std::uint64_t count = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos;
         at = text.find(part, at + part.size()))
        ++count;
    return count;
}

}  // namespace

Members::Members(Target target, std::vector<std::uint16_t> ports, std::vector<std::string> channels)
    : target_(target),
      ports_(std::move(ports)),
      channels_(std::move(channels)) {
    if (ports_.empty()) ports_.push_back(target.port);
}

void Members::open(std::uint32_t count, std::uint32_t at_once, std::uint32_t shift) {
    members_.clear();
    members_.reserve(count);
    joined_ = 0;
    const auto keep_opening = [&] {
        while (members_.size() < count && members_.size() - joined_ < at_once) {
            const auto index = static_cast<std::uint32_t>(members_.size());
            Target target = target_;
            target.port = ports_[(index + shift) % ports_.size()];
            const std::string resource = "/ws?user_id=user-" + std::to_string(index);
            const Nanoseconds started = now_ns();
            members_.push_back({make_client(target, *this, resource, index), started});
        }
        return joined_;
    };
    poll_until(target_.loop, keep_opening, count, "members join");
}

void Members::abort_all() {
    for (const Member& member : members_)
        member.client->abort();
}

void Members::on_open(Client& client) {
    const std::string& channel = channels_[client.index() % channels_.size()];
    client.queue_text(command("subscribe", channel, R"("listen":["broadcast"],"id":1)"));
    client.queue_text(command("presence_join", channel, R"("payload":{"name":"A User"},"id":2)"));
}

void Members::on_message(Client& client, std::string_view message, Nanoseconds at) {
    if (!message.starts_with(R"({"type":"ack","id":2)")) return;
    ++joined_;
    waits_.record(at - members_[client.index()].started);
}

void Members::on_closed(Client& /*client*/, std::string_view reason) {
    if (!is_closing_expected_) give_up(std::string("a member does not get in: ").append(reason));
}

PresenceWatch::PresenceWatch(Target target, std::vector<std::string> channels)
    : target_(target),
      channels_(std::move(channels)) {}

void PresenceWatch::open() {
    client_ = make_client(target_, *this, "/ws?user_id=watcher", 0);
    poll_until(
        target_.loop, [this] { return confirmed_; }, channels_.size(), "watching presence");
}

void PresenceWatch::wait_for(std::uint64_t joins, std::uint64_t leaves, double seconds) {
    const Nanoseconds end = now_ns() + from_seconds(seconds);
    while ((joins_ < joins || leaves_ < leaves) && now_ns() < end)
        target_.loop.poll(end);
}

void PresenceWatch::wait_for_roster(std::uint64_t users, double seconds) {
    const Nanoseconds end = now_ns() + from_seconds(seconds);
    while (roster_users_ < users && now_ns() < end)
        target_.loop.poll(end);
}

void PresenceWatch::watch(double seconds) {
    target_.loop.poll_for(from_seconds(seconds));
}

void PresenceWatch::on_open(Client& client) {
    for (const std::string& channel : channels_)
        client.queue_text(command("subscribe", channel, R"("listen":["presence"],"id":1)"));
}

void PresenceWatch::on_message(Client& /*client*/, std::string_view message, Nanoseconds at) {
    if (message.starts_with(R"({"type":"presence_join")")) ++joins_;
    if (message.starts_with(R"({"type":"presence_sync")"))
        roster_users_ += count_of(R"("user_id":)", message);
    if (!message.starts_with(R"({"type":"presence_leave")")) return;
    if (leaves_++ == 0) first_leave_ = at;
    last_leave_ = at;
}

void PresenceWatch::on_closed(Client& /*client*/, std::string_view reason) {
    give_up(std::string("the server closed the watcher: ").append(reason));
}

}  // namespace roomcast::bench

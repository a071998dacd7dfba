// SPDX-License-Identifier: Apache-2.0
// A session's life, its commands, and what comes back for them.
#include "core/session.hpp"

#include <algorithm>
#include <utility>

#include "core/connection_id.hpp"
#include "core/idempotency.hpp"
#include "core/local_channels.hpp"
#include "core/merged_presence.hpp"
#include "core/shard.hpp"
#include "util/assert.hpp"

namespace roomcast {

namespace {

RateLimiter::Rate message_rate(const Limits& limits) {
    return {.per_second = limits.message_rate, .burst = limits.message_burst};
}

std::uint32_t short_hash(const ChannelName& channel) {
    return static_cast<std::uint32_t>(channel.hash());
}

}  // namespace

Session::Session(Shard& shard, Outlet& outlet, SessionOptions options)
    : shard_(shard),
      outlet_(outlet),
      id_(shard.sessions().add(*this)),
      rate_(message_rate(shard.services().limits), shard.now()),
      presence_rate_(presence_rate(shard.services().limits), shard.now()),
      is_versioned_(options.is_versioned),
      close_on_expiry_(options.close_on_expiry),
      verifier_(options.verifier),
      identity_(std::move(options.identity)),
      peer_(std::move(options.peer)) {
    shard_.wake_clock();
    connected_at_ms_ = shard_.wall_ms();
    shard_.metrics().sessions.add();
    if (is_versioned_) {
        const HubServices& services = shard_.services();
        push(services.dialect.encode_welcome({.connection_id = to_text({services.node_id, id_}),
                                              .user_id = identity_.user_id,
                                              .node = services.node_name,
                                              .server = services.server_version,
                                              .server_time_ms = shard_.wall_ms(),
                                              .limits = &services.limits}));
    }
    schedule_expiry();
}

Session::~Session() {
    end(EndReason::lost);
}

void Session::end(EndReason reason) {
    if (std::exchange(is_ended_, true)) return;
    const std::chrono::milliseconds grace = grace_after(reason);
    const bool is_handed_over = shard_.is_draining() && reason != EndReason::closed_by_api &&
                                shard_.services().presence.outlives_node();
    for (Tie& tie : ties_) {
        if (tie.is_joined && !is_handed_over) {
            leave_presence(tie, grace, reason == EndReason::closed_by_api);
        }
        // Anything asked for and not applied may still wait at the channel's home.
        if (tie.in_flight > 0 || tie.wanted != tie.applied) {
            shard_.post().to_home(tie.channel, ForgetSession{tie.channel, id_, Errc::unavailable});
        }
        apply(tie, kListenNothing);
    }
    ties_ = {};
    if (merged_) shard_.timers().cancel(merged_->timer);
    merged_.reset();
    shard_.timers().cancel(expiry_timer_);
    shard_.sessions().remove(id_);
    shard_.metrics().sessions.subtract();
}

std::chrono::milliseconds Session::grace_after(EndReason reason) const {
    const Limits& limits = shard_.services().limits;
    if (shard_.is_draining()) return std::chrono::milliseconds(0);
    switch (reason) {
        case EndReason::closed_by_client:
            return limits.presence_leave_grace;
        case EndReason::lost:
            return limits.presence_lost_grace;
        case EndReason::closed_by_api:
            return std::chrono::milliseconds(0);
    }
    ASSERT(false);
}

void Session::close(CloseCode code, std::string_view text, EndReason reason) {
    if (is_ended_) return;
    outlet_.close(code, text);
    end(reason);
}

void Session::disconnect() {
    close(CloseCode::disconnected_by_api, "disconnected by the API", EndReason::closed_by_api);
}

// ---- what the client says ----

void Session::on_text(std::string_view text) {
    if (is_ended_) return;
    shard_.wake_clock();
    shard_.metrics().messages_received.add();
    std::string& scratch = shard_.scratch();
    const bool is_allowed = is_within_rate();
    Outcome<Command, CommandError> command = shard_.services().dialect.parse(text, scratch);
    if (!is_allowed) return refuse_over_rate(command);
    if (!command) return refuse(command.error());
    std::visit([&](const auto& body) { carry_out(command->id, body); }, command->body);
}

bool Session::is_within_rate() {
    return rate_.try_take(message_rate(shard_.services().limits), shard_.now());
}

void Session::refuse_over_rate(const Outcome<Command, CommandError>& command) {
    const Limits& limits = shard_.services().limits;
    shard_.metrics().rate_limited.add();
    if (rate_.streak() >= limits.rate_patience) {
        return close(CloseCode::rate_limited, "over the message rate", EndReason::lost);
    }
    const auto wait = rate_.wait(message_rate(limits));
    refuse({.code = Errc::rate_limited,
            .message = "over the message rate; this message was not processed",
            .id = command ? command->id : command.error().id,
            .channel = {},
            .retry_after_ms = static_cast<std::uint32_t>(wait.count())});
}

bool Session::check_right(Right right, const RequestId& id, const ChannelName& channel) {
    if (identity_.rights.allow(right, channel.text())) return true;
    refuse(Errc::forbidden, "the token does not allow this on this channel", id, channel);
    return false;
}

void Session::carry_out(RequestId& id, const SubscribeCommand& command) {
    if (!check_right(Right::subscribe, id, command.channel)) return;
    const std::size_t most = shard_.services().limits.subscriptions;
    Tie* known = find_tie(command.channel);
    if (command.listen != kListenNothing && subscription_count_ >= most &&
        !(known && known->wanted != kListenNothing)) {
        return refuse(Errc::limit,
                      "at most " + std::to_string(most) + " subscriptions on one connection",
                      id,
                      command.channel);
    }
    Tie& tie = known ? *known : tie_to(command.channel);
    want(tie, command.listen);
    ++tie.in_flight;
    count_command();
    shard_.post().to_home(command.channel,
                          Subscribe{.channel = command.channel,
                                    .session = id_,
                                    .id = std::move(id),
                                    .serial = ++serial_,
                                    .listen = command.listen});
}

void Session::carry_out(RequestId& id, const UnsubscribeCommand& command) {
    Tie& tie = tie_to(command.channel);
    want(tie, kListenNothing);
    ++tie.in_flight;
    count_command();
    shard_.post().to_home(command.channel,
                          Unsubscribe{command.channel, id_, std::move(id), ++serial_});
}

void Session::carry_out(RequestId& id, const BroadcastCommand& command) {
    if (!check_right(Right::publish, id, command.channel)) return;
    auto publish = std::make_unique<Publish>();
    BusMessage& message = publish->message;
    message.channel = command.channel;
    message.event = command.event;
    message.payload = command.payload;
    message.user_id = identity_.user_id;
    message.ts_ms = shard_.wall_ms();
    message.message_id = shard_.next_message_id();
    message.origin_node = shard_.services().node_id;
    message.origin = id_;
    message.is_echoed = command.is_echoed;
    message.taken_at = shard_.now();
    if (!command.idempotency_key.empty()) {
        publish->key =
            idempotency_key('w', identity_.user_id, command.channel, command.idempotency_key);
    }
    if (!id.empty()) count_command();
    publish->reply = {.session = id_, .id = std::move(id)};
    shard_.metrics().publications_received.add();
    shard_.post().to_home(command.channel, std::move(publish));
}

void Session::carry_out(RequestId& id, const PresenceGetCommand& command) {
    if (!check_right(Right::subscribe, id, command.channel)) return;
    auto get = std::make_unique<PresenceGet>();
    get->channel = command.channel;
    get->reply = {.session = id_, .id = std::move(id)};
    count_command();
    shard_.post().to_home(command.channel, std::move(get));
}

void Session::carry_out(RequestId& id, const PingCommand&) {
    push(shard_.services().dialect.encode_pong(id));
}

// ---- what comes back ----

void Session::on_subscribed(Subscribed answer) {
    Tie* tie = find_tie(answer.channel);
    if (answer.is_counted) {
        count_answers(1);
        if (tie && tie->in_flight > 0) --tie->in_flight;
    }
    if (!tie || answer.serial < tie->valid_from) {
        // The right to listen was withdrawn meanwhile.
        shard_.post().to_home(answer.channel,
                              Release{answer.channel, shard_.index(), answer.listen});
        if (!answer.id.empty()) {
            refuse(Errc::forbidden,
                   "the token does not allow this on this channel",
                   answer.id,
                   answer.channel);
        }
        if (tie) drop_if_loose(*tie);
        return;
    }
    if (!answer.id.empty()) {
        push(shard_.services().dialect.encode_subscribed(answer.id, answer.channel, answer.listen));
    }
    if (answer.sync) outlet_.push_answer(make_local(std::move(answer.sync)));
    apply(*tie, answer.listen);
    drop_if_loose(*tie);
}

void Session::on_subscribe_failed(const SubscribeFailed& answer) {
    count_answers(1);
    if (answer.error) push(answer.error);
    Tie* tie = find_tie(answer.channel);
    if (!tie) return;
    if (tie->in_flight > 0) --tie->in_flight;
    drop_if_loose(*tie);
}

void Session::on_unsubscribed(const Unsubscribed& answer) {
    count_answers(1);
    if (!answer.id.empty()) {
        push(
            shard_.services().dialect.encode_unsubscribed(answer.id, answer.channel, std::nullopt));
    }
    Tie* tie = find_tie(answer.channel);
    if (!tie) return;
    if (tie->in_flight > 0) --tie->in_flight;
    if (answer.serial >= tie->valid_from) apply(*tie, kListenNothing);
    drop_if_loose(*tie);
}

void Session::on_answer(Answer answer) {
    count_answers(answer.commands);
    if (!answer.frame) return;
    if (answer.is_large) {
        outlet_.push_answer(make_local(std::move(answer.frame)));
    } else {
        push(std::move(answer.frame));
    }
}

void Session::on_publish_refused(const Publish& publish) {
    const RequestId& id = publish.reply.id;
    if (!id.empty()) count_answers(1);
    refuse(Errc::unavailable, "the server is overloaded; try again", id, publish.message.channel);
}

void Session::count_command() {
    ++unanswered_;
    if (is_reading_ && unanswered_ >= shard_.services().limits.unanswered_commands) {
        is_reading_ = false;
        outlet_.set_reading(false);
    }
}

void Session::count_answers(std::uint32_t commands) {
    ASSERT(unanswered_ >= commands);
    unanswered_ -= commands;
    if (!is_reading_ && unanswered_ < shard_.services().limits.unanswered_commands) {
        is_reading_ = true;
        outlet_.set_reading(true);
    }
}

void Session::refuse(const CommandError& error) {
    shard_.metrics().errors[static_cast<std::size_t>(error.code)].add();
    push(shard_.services().dialect.encode_error(error));
}

void Session::refuse(Errc code,
                     std::string message,
                     const RequestId& id,
                     const ChannelName& channel) {
    refuse({.code = code,
            .message = std::move(message),
            .id = id,
            .channel = std::string(channel.text())});
}

void Session::push(FramePtr frame) {
    outlet_.push(make_local(std::move(frame)));
}

// ---- ties to channels ----

Session::Tie* Session::find_tie(const ChannelName& channel) {
    const std::uint32_t hash = short_hash(channel);
    for (Tie& tie : ties_) {
        if (tie.name_hash == hash && tie.channel == channel) return &tie;
    }
    return nullptr;
}

Session::Tie& Session::tie_to(const ChannelName& channel) {
    if (Tie* tie = find_tie(channel)) return *tie;
    Tie tie;
    tie.channel = channel;
    tie.name_hash = short_hash(channel);
    tie.valid_from = serial_ + 1;
    ties_.push_back(std::move(tie));
    return ties_.back();
}

void Session::drop_if_loose(Tie& tie) {
    if (tie.wanted != kListenNothing || tie.applied != kListenNothing || tie.in_flight > 0 ||
        tie.is_joined) {
        return;
    }
    if (&tie != &ties_.back()) {
        tie = std::move(ties_.back());
        const auto index = static_cast<std::uint32_t>(&tie - ties_.data());
        for (const ListenSet which : {kListenBroadcast, kListenPresence}) {
            if (!(tie.applied & which)) continue;
            tie.local->list(which)[tie.position(which)].tie = index;
        }
    }
    ties_.pop_back();
}

void Session::on_member_moved(std::uint32_t tie, ListenSet list, std::uint32_t position) {
    ties_[tie].position(list) = position;
}

void Session::want(Tie& tie, ListenSet listen) {
    if (tie.wanted == kListenNothing && listen != kListenNothing) ++subscription_count_;
    if (tie.wanted != kListenNothing && listen == kListenNothing) --subscription_count_;
    tie.wanted = listen;
}

void Session::apply(Tie& tie, ListenSet listen) {
    const ListenSet before = std::exchange(tie.applied, listen);
    if (before == kListenNothing && listen == kListenNothing) return;
    LocalChannel& local = tie.local ? *tie.local : shard_.channels().open(tie.channel);
    tie.local = listen == kListenNothing ? nullptr : &local;
    for (const ListenSet which : {kListenBroadcast, kListenPresence}) {
        if ((listen & which) && !(before & which)) {
            const auto index = static_cast<std::uint32_t>(&tie - ties_.data());
            tie.position(which) = LocalChannels::join(local, which, {&outlet_, this, index});
        } else if (!(listen & which) && (before & which)) {
            LocalChannels::leave(local, which, tie.position(which));
        }
    }
    if (before == kListenNothing) {
        shard_.metrics().subscriptions.add();
    } else {
        // The new set was counted at the home when it was asked for.
        shard_.post().to_home(tie.channel, Release{tie.channel, shard_.index(), before});
        if (listen == kListenNothing) shard_.metrics().subscriptions.subtract();
    }
    shard_.channels().close_if_empty(local);
}

bool Session::listens_to(const ChannelName& channel) const {
    const std::uint32_t hash = short_hash(channel);
    return std::ranges::any_of(ties_, [&](const Tie& tie) {
        return tie.name_hash == hash && tie.applied != kListenNothing && tie.channel == channel;
    });
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "core/shard.hpp"

#include <algorithm>
#include <utility>

#include "core/home.hpp"
#include "core/hub.hpp"
#include "core/session.hpp"
#include "core/shard_client.hpp"

namespace roomcast {

namespace {

/// What one turn does before the sockets get their turn again: a unit is about one push to an
/// outlet, an entry of mail counts as several.
constexpr std::size_t kTurnWork = 65'536;
constexpr std::size_t kEntryWork = 8;

ShardMailbox::Bounds mailbox_bounds(const Limits& limits) {
    return {.data_entries = limits.mailbox_entries, .data_bytes = limits.mailbox_bytes};
}

}  // namespace

Shard::Shard(Hub& hub, ShardIndex index)
    : hub_(hub),
      index_(index),
      now_(hub.services().clock.steady()),
      wall_ms_(hub.services().clock.wall_ms()),
      sessions_(index),
      channels_(hub.services().dialect, metrics_),
      mailbox_(mailbox_bounds(hub.services().limits), [&hub, index] { hub.wake(index); }),
      post_(hub, *this, mailbox_bounds(hub.services().limits)),
      home_(std::make_unique<Home>(*this)),
      client_(std::make_unique<ShardClient>(*this)) {}

Shard::~Shard() = default;

const HubServices& Shard::services() const {
    return hub_.services();
}

HubClient& Shard::client() {
    return *client_;
}

void Shard::wake_clock() {
    if (!std::exchange(is_clock_stale_, false)) return;
    now_ = services().clock.steady();
    wall_ms_ = services().clock.wall_ms();
}

std::uint64_t Shard::next_message_id() {
    return hub_.first_message_id() + message_ids_++ * hub_.shard_count() + index_;
}

bool Shard::turn(SteadyTime now) {
    now_ = now;
    wall_ms_ = services().clock.wall_ms();
    is_clock_stale_ = false;
    work_left_ = kTurnWork;
    const bool has_timers = run_timers();
    const bool has_mail = take_mail();
    post_.hand_over();
    is_clock_stale_ = true;
    return has_timers || has_mail || !post_.is_empty();
}

bool Shard::run_timers() {
    while (timers_.run_one(now_)) {
        work_left_ -= std::min(work_left_, kEntryWork);
        // Mail gets its half of the turn.
        if (work_left_ < kTurnWork / 2) return true;
    }
    return false;
}

bool Shard::take_mail() {
    if (taken_next_ == taken_.size()) {
        taken_.clear();
        taken_next_ = 0;
        mailbox_.take(taken_);
    }
    // In turn, so that neither this shard's sessions nor the other shards starve.
    Entry own;
    bool has_own = true;
    while (work_left_ > 0 && (has_own || taken_next_ != taken_.size())) {
        if (taken_next_ != taken_.size()) receive(std::move(taken_[taken_next_++]));
        has_own = post_.take_own(own);
        if (has_own) receive(std::move(own));
    }
    return taken_next_ != taken_.size();
}

std::optional<SteadyTime> Shard::next_deadline() const {
    return timers_.next_due();
}

void Shard::record_sent(SteadyTime now) {
    for (const Delivered& delivered : delivered_) {
        const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
            std::max(now - delivered.taken_at, SteadyTime::duration::zero()));
        metrics_.publish_to_socket.record(static_cast<std::uint64_t>(took.count()),
                                          delivered.receivers);
    }
    delivered_.clear();
}

void Shard::drain() {
    is_draining_ = true;
    if (index_ == Hub::kDirectoryShard) hub_.announce();
    // A store that outlives this node leaves its users to the others, who announce those that do
    // not come back.
    if (!services().presence.outlives_node()) home_->end_graces();
}

std::size_t Shard::disconnect_user(const std::string& user_id) {
    std::vector<Session*> found;
    sessions_.for_each([&](Session& session) {
        if (session.user_id() == user_id) found.push_back(&session);
    });
    for (Session* session : found)
        session->disconnect();
    return found.size();
}

void Shard::receive(Entry&& entry) {
    work_left_ -= std::min(work_left_, kEntryWork);
    std::visit([this](auto& each) { on(each); }, entry);
}

template <class ForHome>
void Shard::on(ForHome& entry) {
    home_->on(entry);
}

void Shard::on(Deliver& entry) {
    const Session* excluded =
        entry.excluded == SessionId::none ? nullptr : sessions_.find(entry.excluded);
    const std::size_t receivers =
        channels_.deliver(entry.channel, std::move(entry.frame), excluded);
    work_left_ -= std::min(work_left_, receivers);
    if (receivers == 0) return;
    if (!delivered_.empty() && delivered_.back().taken_at == entry.taken_at) {
        delivered_.back().receivers += receivers;
    } else {
        delivered_.push_back({entry.taken_at, receivers});
    }
}

void Shard::on(DeliverPresence& entry) {
    const std::size_t receivers = channels_.deliver_presence(entry.channel, std::move(entry.frame));
    work_left_ -= std::min(work_left_, receivers);
}

void Shard::on(GapMark& entry) {
    channels_.tell_gap(entry);
}

void Shard::on(PresenceResync& entry) {
    const std::size_t receivers = channels_.resync_presence(entry.channel, std::move(entry.sync));
    work_left_ -= std::min(work_left_, receivers);
    post_.to_home(entry.channel, ResyncTaken{entry.channel, index_});
}

void Shard::on(Subscribed& entry) {
    if (Session* session = sessions_.find(entry.session)) {
        return session->on_subscribed(std::move(entry));
    }
    post_.to_home(entry.channel, Release{entry.channel, index_, entry.listen});
}

void Shard::on(SubscribeFailed& entry) {
    if (Session* session = sessions_.find(entry.session)) session->on_subscribe_failed(entry);
}

void Shard::on(Unsubscribed& entry) {
    if (Session* session = sessions_.find(entry.session)) session->on_unsubscribed(entry);
}

void Shard::on(Answer& entry) {
    if (Session* session = sessions_.find(entry.session)) session->on_answer(std::move(entry));
}

void Shard::on(PublishAnswer& entry) {
    client_->on_published(entry);
}

void Shard::on_publish_refused(const Publish& publish) {
    if (publish.reply.request != 0) {
        return client_->on_published({.request = publish.reply.request,
                                      .message_id = 0,
                                      .ts_ms = 0,
                                      .error = Errc::unavailable});
    }
    if (Session* session = sessions_.find(publish.reply.session)) {
        session->on_publish_refused(publish);
    }
}

}  // namespace roomcast

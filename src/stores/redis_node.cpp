// SPDX-License-Identifier: Apache-2.0
#include "stores/redis_node.hpp"

#include <chrono>
#include <utility>

#include "util/log.hpp"

namespace roomcast {

namespace {

using std::chrono::milliseconds;

/// How long an operation waits for a connection and a lease before it is refused.
constexpr milliseconds kPatience{2'000};
/// Of a stop, for what is under way, and once more for the hand-over.
constexpr milliseconds kStopPatience{1'000};
constexpr milliseconds kStopLook{5};

}  // namespace

RedisPresenceNode::RedisPresenceNode(RedisPresenceShared& shared,
                                     net::Loop& loop,
                                     std::unique_ptr<redis::Client> client,
                                     PresenceSink& sink,
                                     Executor& executor)
    : shared_(shared),
      loop_(loop),
      sink_(sink),
      client_(std::move(client)),
      context_(shared.options, loop, *client_, shared.counters),
      homes_(sink, executor, shared.options.mailbox_entries, shared.options.mailbox_bytes),
      lease_(context_, *this),
      reaper_(context_),
      members_(context_, lease_),
      snapshots_(context_),
      watches_(context_, snapshots_, homes_),
      auditor_(context_, lease_, members_, watches_) {}

RedisPresenceNode::~RedisPresenceNode() {
    is_over_ = true;
    shared_.is_connected = false;
    waiting_.clear();
    loop_.timers().cancel(waiting_timer_);
    loop_.timers().cancel(stop_timer_);
    client_->stop();  // all parts are still there for what it answers
}

void RedisPresenceNode::start() {
    client_->start(*this);
}

// ---- what the homes ask for ----

void RedisPresenceNode::put(RedisUser user, UpsertKind kind, PresenceCallback done) {
    const ChannelName channel = user.channel;
    when_writable([this, user = std::move(user), kind, done = answer_to(channel, std::move(done))](
                      bool is_writable) {
        if (!is_writable) return done(Errc::unavailable);
        auditor_.add(user.channel);
        members_.put(user, kind, done);
    });
}

void RedisPresenceNode::leave(const ChannelName& channel,
                              const std::string& user,
                              PresenceCallback done) {
    if (!lease_.is_held() && members_.holds(channel, user)) members_.forget(channel, user);
    when_writable(
        [this, channel, user, done = answer_to(channel, std::move(done))](bool is_writable) {
            if (!is_writable) return done(Errc::unavailable);
            members_.leave(channel, user, done);
        });
}

void RedisPresenceNode::snapshot(const ChannelName& channel, SnapshotCallback done) {
    when_writable([this, channel, done = answer_to(channel, std::move(done))](bool is_writable) {
        if (!is_writable) return done(Errc::unavailable);
        watches_.snapshot(channel, done);
    });
}

void RedisPresenceNode::watch(const ChannelName& channel) {
    watches_.watch(channel);
    auditor_.add(channel);
}

void RedisPresenceNode::unwatch(const ChannelName& channel) {
    watches_.unwatch(channel);
}

PresenceCallback RedisPresenceNode::answer_to(const ChannelName& channel, PresenceCallback done) {
    return [this, channel, done = std::move(done)](Result<void> result) {
        if (is_over_) return;
        shared_.pending.fetch_sub(1, std::memory_order_relaxed);
        homes_.answer(channel, [done, result] { done(result); });
    };
}

SnapshotCallback RedisPresenceNode::answer_to(const ChannelName& channel, SnapshotCallback done) {
    return [this, channel, done = std::move(done)](Result<PresenceSnapshot> result) {
        if (is_over_) return;
        shared_.pending.fetch_sub(1, std::memory_order_relaxed);
        homes_.answer(channel,
                      [done, result = std::move(result)]() mutable { done(std::move(result)); });
    };
}

void RedisPresenceNode::when_writable(std::function<void(bool)> work) {
    if (lease_.is_held()) return work(true);
    waiting_.push_back({loop_.now() + kPatience, std::move(work)});
    if (!loop_.timers().is_set(waiting_timer_)) {
        waiting_timer_ =
            loop_.timers().add(waiting_.front().deadline, [this] { on_waiting_due(); });
    }
}

void RedisPresenceNode::on_waiting_due() {
    while (!waiting_.empty() && waiting_.front().deadline <= loop_.now()) {
        const auto work = std::move(waiting_.front().work);
        waiting_.pop_front();
        work(false);
    }
    if (waiting_.empty()) return;
    waiting_timer_ = loop_.timers().add(waiting_.front().deadline, [this] { on_waiting_due(); });
}

// ---- what Redis tells ----

void RedisPresenceNode::on_state(bool is_connected, std::string_view detail) {
    const bool was_held = shared_.is_connected;
    detail_ = detail;
    if (is_connected) return lease_.on_connected();
    lease_.on_disconnected();
    watches_.on_disconnected();
    if (!was_held) sink_.on_store_state(false, detail_);
}

void RedisPresenceNode::on_subscribed(const std::string& channel, bool may_have_missed) {
    watches_.on_subscribed(channel, may_have_missed);
}

void RedisPresenceNode::on_subscribe_refused(const std::string& channel, std::string_view error) {
    static log::RateLimit limit(5, std::chrono::seconds(10));
    if (const auto suppressed = limit.admit(loop_.now())) {
        log::warn("presence: Redis refuses a subscription",
                  {{"channel", channel}, {"reason", error}, {"suppressed", *suppressed}});
    }
    watches_.on_refused(channel);
}

void RedisPresenceNode::on_message(std::string_view channel, std::string_view payload) {
    watches_.on_message(channel, payload);
}

void RedisPresenceNode::on_batch_end() {
    homes_.flush();
}

void RedisPresenceNode::on_lease_held(bool is_new_id) {
    if (is_stopping_) return;
    shared_.is_connected = true;
    members_.on_lease_held(is_new_id);
    // Each may wait again: what is lost meanwhile is not held any more.
    for (Waiting& each : std::exchange(waiting_, {}))
        each.work(true);
    sink_.on_store_state(true, detail_);
}

void RedisPresenceNode::on_lease_lost() {
    shared_.is_connected = false;
    sink_.on_store_state(false, detail_);
}

void RedisPresenceNode::on_beats_refused(std::string_view error) {
    shared_.is_connected = false;
    sink_.on_store_state(false, error);
}

void RedisPresenceNode::on_beats_taken() {
    shared_.is_connected = true;
    sink_.on_store_state(true, detail_);
}

void RedisPresenceNode::on_nodes_due(std::vector<std::string> nodes) {
    if (!is_stopping_) reaper_.consider(nodes);
}

// ---- stopping ----

void RedisPresenceNode::stop(std::function<void()> done) {
    is_stopping_ = true;
    on_stopped_ = std::move(done);
    waiting_.clear();
    finish_writing(loop_.now() + kStopPatience);
}

void RedisPresenceNode::finish_writing(SteadyTime deadline) {
    if (members_.in_flight() > 0 && lease_.is_held() && loop_.now() < deadline) {
        stop_timer_ = loop_.timers().add(loop_.now() + kStopLook,
                                         [this, deadline] { finish_writing(deadline); });
        return;
    }
    stop_timer_ = loop_.timers().add(loop_.now() + kStopPatience, [this] { end_stop(); });
    lease_.retire(members_.holds_any(), [this] { end_stop(); });
}

void RedisPresenceNode::end_stop() {
    loop_.timers().cancel(stop_timer_);
    if (const auto done = std::exchange(on_stopped_, nullptr)) done();
}

}  // namespace roomcast

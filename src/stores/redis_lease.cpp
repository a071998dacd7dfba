// SPDX-License-Identifier: Apache-2.0
#include "stores/redis_lease.hpp"

#include <utility>

#include "stores/redis_scripts.hpp"
#include "util/hex.hpp"
#include "util/log.hpp"
#include "util/random.hpp"

namespace roomcast {

RedisLease::RedisLease(RedisPresenceContext& context, RedisLeaseSink& sink)
    : context_(context),
      sink_(sink) {
    draw_id();
}

RedisLease::~RedisLease() {
    context_.loop.timers().cancel(beat_timer_);
    context_.loop.timers().cancel(check_timer_);
}

void RedisLease::draw_id() {
    node_ = to_hex(random_u64());
    ++generation_;
    is_known_ = false;
}

void RedisLease::on_connected() {
    is_connected_ = true;
    beat();
}

void RedisLease::on_disconnected() {
    is_connected_ = false;
    context_.loop.timers().cancel(beat_timer_);
    // What is there after the next connection may be another server: beat first.
    held_from_ = {};
    check();
}

bool RedisLease::is_held() const {
    return held_from_ != SteadyTime{} &&
           context_.loop.now() < held_from_ + context_.times.own_lease;
}

void RedisLease::beat() {
    if (!is_connected_ || is_retired_ || std::exchange(is_beating_, true)) return;
    context_.loop.timers().cancel(beat_timer_);
    const auto& times = context_.times;
    const std::vector<std::string> arguments = {
        node_,
        std::to_string(times.lease.count()),
        std::to_string(times.beat.count()),
        is_known_ ? "0" : "1",
        std::to_string(context_.options.hand_over_grace.count())};
    context_.client.eval(redis_presence_scripts().beat,
                         redis_script_keys(context_.nodes),
                         arguments,
                         [this, sent_at = context_.loop.now()](const redis::Reply& reply) {
                             is_beating_ = false;
                             if (!is_retired_) on_beat(sent_at, reply);
                         });
}

void RedisLease::on_beat(SteadyTime sent_at, const redis::Reply& reply) {
    if (!reply || reply->items.empty()) {
        if (!reply) {
            log::warn("presence: a beat was not taken", {{"reason", reply.error().text}});
            const bool is_refused = reply.error().fault == redis::Fault::refused;
            if (is_refused && !std::exchange(is_refused_, true)) {
                sink_.on_beats_refused(reply.error().text);
            }
        }
        if (is_connected_) beat_at(context_.after_about(context_.times.beat / 4));
        return;
    }
    if (reply->items.front().integer == 0) {
        log::warn("presence: this node was declared dead and goes on under a new id",
                  {{"id", node_}});
        context_.counters.fenced.add();
        held_from_ = {};
        check();
        draw_id();
        return beat();
    }
    std::vector<std::string> due;
    for (auto item = reply->items.begin() + 1; item != reply->items.end(); ++item)
        due.push_back(item->text);
    on_acknowledged(sent_at);
    if (!due.empty()) sink_.on_nodes_due(std::move(due));
}

void RedisLease::on_acknowledged(SteadyTime sent_at) {
    using std::chrono::duration_cast, std::chrono::milliseconds;
    context_.counters.last_beat_ms.store(
        duration_cast<milliseconds>(sent_at.time_since_epoch()).count(), std::memory_order_relaxed);
    if (is_connected_) {
        held_from_ = sent_at;
        beat_at(context_.after_about(context_.times.beat));
    }
    const bool is_new_id = !std::exchange(is_known_, true);
    const bool was_refused = std::exchange(is_refused_, false);
    if (is_held() && !std::exchange(is_held_, true)) {
        sink_.on_lease_held(is_new_id);
    } else if (is_new_id) {
        is_known_ = false;  // too late to be of use: the next one is told as the first
    } else if (was_refused && is_held()) {
        sink_.on_beats_taken();
    }
    check();
}

void RedisLease::beat_at(SteadyTime due) {
    context_.loop.timers().cancel(beat_timer_);
    beat_timer_ = context_.loop.timers().add(due, [this] { beat(); });
}

void RedisLease::check() {
    context_.loop.timers().cancel(check_timer_);
    if (is_held()) {
        check_timer_ =
            context_.loop.timers().add(held_from_ + context_.times.own_lease, [this] { check(); });
    } else if (std::exchange(is_held_, false)) {
        sink_.on_lease_lost();
    }
}

void RedisLease::retire(bool has_users, std::function<void()> done) {
    is_retired_ = true;
    context_.loop.timers().cancel(beat_timer_);
    context_.loop.timers().cancel(check_timer_);
    if (!is_connected_ || !is_known_) return done();
    const std::vector<std::string> arguments = {
        node_, has_users ? std::to_string(context_.options.hand_over_grace.count()) : "-1"};
    if (!has_users) {
        const std::string key = redis_channels_key(context_.options.prefix, node_);
        context_.client.call(key, resp::Command{"DEL", key}, [](const redis::Reply&) {});
    }
    context_.client.eval(redis_presence_scripts().retire,
                         redis_script_keys(context_.nodes),
                         arguments,
                         [done = std::move(done)](const redis::Reply&) { done(); });
}

}  // namespace roomcast

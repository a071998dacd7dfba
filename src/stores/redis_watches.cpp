// SPDX-License-Identifier: Apache-2.0
#include "stores/redis_watches.hpp"

#include <utility>

#include "util/log.hpp"

namespace roomcast {

namespace {

/// Numbers start over at the clock in microseconds, above what events have counted to unless a
/// channel is some milliseconds old. A jump too long is taken for that: the snapshot comes later.
constexpr std::uint64_t kSequenceJump = 10'000;

std::string bus_of(const ChannelName& channel) {
    return "presence." + std::string(channel.text());
}

}  // namespace

RedisWatches::RedisWatches(RedisPresenceContext& context,
                           RedisSnapshots& snapshots,
                           RedisHomes& homes)
    : context_(context),
      snapshots_(snapshots),
      homes_(homes) {}

RedisWatches::~RedisWatches() {
    for (auto& [bus, watch] : watches_)
        context_.loop.timers().cancel(watch.settle_timer);
}

RedisWatches::Watch* RedisWatches::find(std::string_view bus) {
    const auto found = watches_.find(bus);
    return found == watches_.end() ? nullptr : &found->second;
}

bool RedisWatches::has(const ChannelName& channel) const {
    return watches_.contains(bus_of(channel));
}

void RedisWatches::watch(const ChannelName& channel) {
    const std::string bus = bus_of(channel);
    const auto [found, is_new] = watches_.try_emplace(bus);
    if (!is_new) return;
    found->second.channel = channel;
    found->second.serial = ++watches_made_;
    context_.counters.watched.store(watches_.size());
    context_.client.subscribe(bus, context_.keys_of(channel).presence);
}

void RedisWatches::unwatch(const ChannelName& channel) {
    const std::string bus = bus_of(channel);
    const auto found = watches_.find(bus);
    if (found == watches_.end()) return;
    answer(found->second.waiting, Errc::unavailable);
    answer(found->second.reading, Errc::unavailable);
    context_.loop.timers().cancel(found->second.settle_timer);
    watches_.erase(found);
    context_.counters.watched.store(watches_.size());
    context_.client.unsubscribe(bus);
}

// ---- events ----

void RedisWatches::on_subscribed(const std::string& bus, bool may_have_missed) {
    Watch* watch = find(bus);
    if (!watch) return;
    watch->is_confirmed = true;
    if (may_have_missed) lost(*watch);
    read(bus, *watch);
}

void RedisWatches::on_refused(const std::string& bus) {
    if (Watch* watch = find(bus)) answer(watch->waiting, Errc::unavailable);
}

void RedisWatches::on_disconnected() {
    for (auto& [bus, watch] : watches_) {
        watch.is_confirmed = false;
        answer(watch.waiting, Errc::unavailable);
    }
}

void RedisWatches::on_message(std::string_view bus, std::string_view payload) {
    Watch* watch = find(bus);
    if (!watch) return;
    auto event = read_redis_event(watch->channel, payload);
    if (!event) return context_.counters.unreadable.add();
    if (event->sequence == 0) {
        watch->has_foreign = true;
    } else {
        check_sequence(*watch, event->sequence);
    }
    if (homes_.try_event(std::move(*event))) return;
    context_.counters.events_dropped.add();
    lost(*watch);
}

void RedisWatches::check_sequence(Watch& watch, std::uint64_t sequence) {
    const std::uint64_t last = watch.sequence;
    // Where events and answers come over two connections, the snapshot may be ahead.
    if (sequence <= last && sequence <= watch.snapshot && watch.snapshot - sequence < kSequenceJump)
        return;
    watch.sequence = sequence;
    if (last == 0 || sequence == last + 1) return;
    if (sequence < last || sequence > last + kSequenceJump) {
        context_.counters.data_losses.add();
        settle(bus_of(watch.channel), watch);
    } else {
        context_.counters.gaps.add();
    }
    lost(watch);
}

void RedisWatches::lost(Watch& watch) {
    // A snapshot that is still to be read will hold what is missing.
    if (watch.is_lost_told || !watch.waiting.empty()) return;
    watch.is_lost_told = true;
    homes_.lost(watch.channel);
}

void RedisWatches::on_audited(const ChannelName& channel, bool has_foreign_entries) {
    Watch* watch = find(bus_of(channel));
    if (!watch) return;
    const bool is_shared = has_foreign_entries || watch->has_foreign || watch->had_foreign;
    watch->had_foreign = has_foreign_entries || watch->has_foreign;
    watch->has_foreign = false;
    if (!is_shared) return;
    lost(*watch);
    homes_.flush();
}

// ---- snapshots ----

void RedisWatches::settle(const std::string& bus, Watch& watch) {
    if (context_.loop.timers().is_set(watch.settle_timer)) return;
    watch.has_settled = false;
    watch.settle_timer = context_.loop.timers().add(context_.loop.now() + context_.times.settle,
                                                    [this, bus] { on_settled(bus); });
}

void RedisWatches::on_settled(const std::string& bus) {
    Watch* watch = find(bus);
    if (!watch) return;
    watch->has_settled = true;
    // Asked for anew: what the home has heard until now is older than the snapshot, although its
    // numbers may be greater.
    answer(watch->waiting, Errc::unavailable);
    watch->is_lost_told = false;
    lost(*watch);
    homes_.flush();
}

void RedisWatches::snapshot(const ChannelName& channel, SnapshotCallback done) {
    const std::string bus = bus_of(channel);
    Watch* watch = find(bus);
    if (!watch) return snapshots_.read(channel, std::move(done));
    watch->is_lost_told = false;
    watch->waiting.push_back(std::move(done));
    read(bus, *watch);
}

void RedisWatches::read(const std::string& bus, Watch& watch) {
    if (!watch.is_confirmed || !watch.reading.empty() || watch.waiting.empty()) return;
    if (context_.loop.timers().is_set(watch.settle_timer)) return;
    // Who asks later may have missed what comes after this reading: for them there is another one.
    watch.reading = std::exchange(watch.waiting, {});
    snapshots_.read(watch.channel,
                    [this, bus, serial = watch.serial, known = watch.sequence](
                        Result<PresenceSnapshot> snapshot) {
                        Watch* current = find(bus);
                        if (!current || current->serial != serial) return;
                        on_snapshot(bus, *current, known, std::move(snapshot));
                    });
}

void RedisWatches::on_snapshot(const std::string& bus,
                               Watch& watch,
                               std::uint64_t known,
                               Result<PresenceSnapshot> snapshot) {
    if (snapshot) {
        const std::uint64_t sequence = snapshot->sequence;
        const bool has_started_over =
            known != 0 && (sequence < known || sequence > known + kSequenceJump);
        // Numbers that came during the reading cannot be compared with none.
        const bool is_unclear = sequence == 0 && watch.sequence != known;
        if (is_unclear || (has_started_over && !watch.has_settled)) {
            context_.counters.data_losses.add();
            watch.waiting.insert(watch.waiting.begin(), watch.reading.begin(), watch.reading.end());
            watch.reading.clear();
            return settle(bus, watch);
        }
        watch.has_settled = false;
        watch.snapshot = sequence;
        if (sequence < known || sequence > watch.sequence) watch.sequence = sequence;
    }
    answer(watch.reading, std::move(snapshot));
    read(bus, watch);
}

void RedisWatches::answer(std::vector<SnapshotCallback>& callbacks,
                          Result<PresenceSnapshot> snapshot) {
    std::vector<SnapshotCallback> told = std::exchange(callbacks, {});
    while (told.size() > 1) {
        told.back()(snapshot);
        told.pop_back();
    }
    if (!told.empty()) told.front()(std::move(snapshot));  // mostly there is one: it is not copied
}

}  // namespace roomcast

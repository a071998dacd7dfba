// SPDX-License-Identifier: Apache-2.0
#include "load/traffic.hpp"

#include <algorithm>

namespace roomcast::bench {

namespace {

constexpr Nanoseconds kSecond = 1'000'000'000;

}  // namespace

Traffic::Traffic(Target target, const TrafficPlan& plan)
    : target_(target),
      plan_(plan),
      fleet_(target, *this, channel_names(plan.channel_prefix, plan.channels), plan.reader_ports),
      publishers_(target, channel_names(plan.channel_prefix, plan.channels), plan.publishers),
      stamps_(plan.payload_bytes),
      tracks_(std::size_t{plan.readers} * plan.publishers),
      in_flight_(std::size_t{plan.channels} * plan.publishers),
      epoch_(now_ns()) {}

void Traffic::open() {
    fleet_.open(plan_.readers);
    publishers_.open();
}

void Traffic::abort_all() {
    fleet_.abort_all();
    publishers_.abort_all();
}

void Traffic::run(double seconds, const std::function<void()>& each_turn) {
    Nanoseconds now = now_ns();
    const Nanoseconds end = now + static_cast<Nanoseconds>(seconds * 1e9);
    restart_schedule(now);
    for (; now < end; now = now_ns()) {
        const Nanoseconds due = publish_due(now);
        target_.loop.poll(std::min(due, end));
        if (each_turn) each_turn();
    }
}

Nanoseconds Traffic::publish_due(Nanoseconds now) {
    if (plan_.rate > 0) {
        const auto interval = static_cast<Nanoseconds>(1e9 * plan_.burst / plan_.rate);
        for (; next_due_ <= now; next_due_ += interval) {
            // The stamp is when it was due, so that a generator that is late hides no latency.
            for (std::uint32_t i = 0; i < plan_.burst; ++i)
                publish_one(next_due_);
        }
        publishers_.flush();
        return next_due_;
    }
    while (in_flight_.count() < plan_.window)
        publish_one(now);
    publishers_.flush();
    return now + kSecond / 10;
}

void Traffic::publish_one(Nanoseconds sent) {
    const std::uint32_t channel = next_channel();
    const std::uint32_t slot = next_slot_;
    next_slot_ = (next_slot_ + 1) % plan_.publishers;
    const std::uint32_t stream = channel * plan_.publishers + slot;
    Stamp stamp;
    stamp.stream = plan_.first_stream + stream;
    stamp.sequence = in_flight_.publish(stream, readers_of(channel));
    stamp.sent = sent - epoch_;
    publishers_.publish(channel, slot, make_payload(stamp, plan_.payload_bytes));
}

std::uint32_t Traffic::readers_of(std::uint32_t channel) const {
    return plan_.readers / plan_.channels + (channel < plan_.readers % plan_.channels ? 1 : 0);
}

std::uint32_t Traffic::next_channel() {
    if (plan_.channels == 1) return 0;
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return static_cast<std::uint32_t>(random_ % plan_.channels);
}

void Traffic::drain() {
    std::uint64_t seen = tally_.delivered;
    Nanoseconds deadline = now_ns() + 5 * kSecond;
    while (in_flight_.count() > 0 && now_ns() < deadline) {
        target_.loop.poll(deadline);
        if (tally_.delivered == seen) continue;
        seen = tally_.delivered;
        deadline = now_ns() + 5 * kSecond;
    }
    // A moment more, in which a second copy of the last ones would come.
    const Nanoseconds end = now_ns() + kSecond / 20;
    while (now_ns() < end)
        target_.loop.poll(end);
}

void Traffic::finish() {
    for (std::uint32_t reader = 0; reader < plan_.readers; ++reader) {
        for (std::uint32_t slot = 0; slot < plan_.publishers; ++slot) {
            tracks_[std::size_t{reader} * plan_.publishers + slot].finish(
                published(reader % plan_.channels, slot), tally_);
        }
    }
}

void Traffic::on_message(std::uint32_t reader, std::string_view message, Nanoseconds at) {
    const std::optional<Stamp> stamp = stamps_.find(message);
    const std::uint32_t first = plan_.first_stream + reader % plan_.channels * plan_.publishers;
    if (!stamp || stamp->stream < first || stamp->stream >= first + plan_.publishers) {
        if (!plan_.ignores_others) ++tally_.stray;
        return;
    }
    const std::uint32_t slot = stamp->stream - first;
    Track& track = tracks_[std::size_t{reader} * plan_.publishers + slot];
    if (!track.record(stamp->sequence, tally_)) return;
    in_flight_.delivered(stamp->stream - plan_.first_stream, stamp->sequence);
    last_delivery_ = at;
    latency_.record(at - epoch_ - stamp->sent);
}

void Traffic::on_reader_closed(std::uint32_t /*reader*/, std::string_view reason) {
    if (closed_readers_++ == 0) first_close_reason_ = reason;
}

}  // namespace roomcast::bench

// SPDX-License-Identifier: Apache-2.0
#include "load/traffic.hpp"

#include <algorithm>

#include "load/poll_until.hpp"

namespace roomcast::bench {

namespace {

constexpr Nanoseconds kSecond = 1'000'000'000;

}  // namespace

Traffic::Traffic(Target target, const TrafficPlan& plan)
    : target_(target),
      plan_(plan),
      fleet_(target,
             *this,
             channel_names(plan.channel_prefix, plan.channels),
             {.ports = plan.reader_ports,
              .subscriptions = plan.subscriptions,
              .at_once = plan.at_once}),
      publishers_(target, channel_names(plan.channel_prefix, plan.channels), plan.publishers),
      stamps_(plan.payload_bytes),
      tracks_(std::size_t{plan.readers} * plan.subscriptions * plan.publishers),
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
    const Nanoseconds end = now + from_seconds(seconds);
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
                publish_on(next_channel(), next_due_);
        }
        publishers_.flush();
        return next_due_;
    }
    while (in_flight_.count() < plan_.window)
        publish_on(next_channel(), now);
    publishers_.flush();
    return now + kSecond / 10;
}

void Traffic::publish_everywhere() {
    std::uint32_t next = 0;
    const auto keep_publishing = [&] {
        const Nanoseconds now = now_ns();
        while (next < plan_.channels && in_flight_.count() < plan_.window)
            publish_on(next++, now);
        publishers_.flush();
        return next;
    };
    poll_until(target_.loop, keep_publishing, plan_.channels, "publishing on each channel");
}

void Traffic::publish_on(std::uint32_t channel, Nanoseconds sent) {
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
    const std::uint32_t all = plan_.readers * plan_.subscriptions;
    return all / plan_.channels + (channel < all % plan_.channels ? 1 : 0);
}

std::uint32_t Traffic::next_channel() {
    if (plan_.channels == 1) return 0;
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return static_cast<std::uint32_t>(random_ % plan_.channels);
}

void Traffic::drain() {
    drain_all(
        target_.loop, [this] { return in_flight_.count(); }, [this] { return tally_.delivered; });
}

void Traffic::finish() {
    for (std::size_t i = 0; i < tracks_.size(); ++i) {
        const auto channel = static_cast<std::uint32_t>(i / plan_.publishers % plan_.channels);
        const auto slot = static_cast<std::uint32_t>(i % plan_.publishers);
        tracks_[i].finish(published(channel, slot), tally_);
    }
}

Track* Traffic::track_of(std::uint32_t reader, std::uint32_t stream) {
    const std::uint32_t channel = stream / plan_.publishers;
    if (channel >= plan_.channels) return nullptr;
    // The subscriptions of all readers, one after the other, go to the channels by turns.
    const std::uint32_t first = reader * plan_.subscriptions;
    const std::uint32_t nth = (channel + plan_.channels - first % plan_.channels) % plan_.channels;
    if (nth >= plan_.subscriptions) return nullptr;
    return &tracks_[std::size_t{first + nth} * plan_.publishers + stream % plan_.publishers];
}

void Traffic::on_message(std::uint32_t reader, std::string_view message, Nanoseconds at) {
    const std::optional<Stamp> stamp = stamps_.find(message);
    Track* const track = stamp ? track_of(reader, stamp->stream - plan_.first_stream) : nullptr;
    if (!stamp || !track) {
        if (!plan_.ignores_others) ++tally_.stray;
        return;
    }
    if (!track->record(stamp->sequence, tally_)) return;
    in_flight_.delivered(stamp->stream - plan_.first_stream, stamp->sequence);
    last_delivery_ = at;
    latency_.record(at - epoch_ - stamp->sent);
}

void Traffic::on_reader_closed(std::uint32_t /*reader*/, std::string_view reason) {
    if (closed_readers_++ == 0) first_close_reason_ = reason;
}

}  // namespace roomcast::bench

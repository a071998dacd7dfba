// SPDX-License-Identifier: Apache-2.0
#include "load/visitors.hpp"

#include <algorithm>

namespace roomcast::bench {

namespace {

constexpr Nanoseconds kListen = 80'000'000;
constexpr Nanoseconds kPatience = 10'000'000'000;

}  // namespace

Visitors::Visitors(Target target, VisitorsPlan plan, std::function<std::uint32_t()> published)
    : target_(target),
      plan_(std::move(plan)),
      published_(std::move(published)),
      stamps_(plan_.payload_bytes),
      next_arrival_(now_ns()) {}

void Visitors::turn() {
    const Nanoseconds now = now_ns();
    for (; is_letting_in_ && next_arrival_ <= now;
         next_arrival_ += static_cast<Nanoseconds>(1e9 / plan_.per_second)) {
        admit(now);
    }
    for (const auto& visitor : present_)
        advance(*visitor, now);
    const auto is_gone = [](const auto& visitor) { return visitor->step == Step::gone; };
    std::erase_if(present_, is_gone);
}

void Visitors::finish() {
    is_letting_in_ = false;
    const Nanoseconds end = now_ns() + kPatience;
    while (!present_.empty() && now_ns() < end) {
        target_.loop.poll(now_ns() + 1'000'000);
        turn();
    }
    for (const auto& visitor : present_)
        give_up_on(*visitor, "still there at the end");
    present_.clear();
}

void Visitors::admit(Nanoseconds now) {
    auto visitor = std::make_unique<Visitor>();
    visitor->step_since = now;
    visitor->is_abrupt = admitted_ % 3 == 2;
    const std::string user = "visitor-" + std::to_string(admitted_);
    visitor->client = make_client(
        target_, *this, target_.protocol.reader_resource(user, plan_.channel), admitted_++);
    present_.push_back(std::move(visitor));
}

void Visitors::advance(Visitor& visitor, Nanoseconds now) {
    const Nanoseconds spent = now - visitor.step_since;
    const Protocol& protocol = target_.protocol;
    switch (visitor.step) {
        case Step::listening:
            if (spent < kListen) return;
            return command(visitor, Step::subscribing_again, protocol.subscribe(plan_.channel));
        case Step::listening_again:
            if (spent < kListen) return;
            return command(visitor, Step::unsubscribing, protocol.unsubscribe(plan_.channel));
        case Step::silent:
            if (spent < kListen) return;
            visitor.track.open_start();
            return command(visitor, Step::returning, protocol.subscribe(plan_.channel));
        case Step::listening_last:
            if (spent >= kListen) leave(visitor);
            return;
        case Step::gone:
            return;
        default:
            if (spent >= kPatience) give_up_on(visitor, "no answer within 10 s");
    }
}

void Visitors::enter(Visitor& visitor, Step step) const {
    visitor.step = step;
    visitor.step_since = now_ns();
}

void Visitors::command(Visitor& visitor, Step step, std::string_view text) const {
    enter(visitor, step);
    visitor.client->queue_text(text);
    visitor.client->flush();
}

void Visitors::leave(Visitor& visitor) {
    visitor.track.finish_here(tally_);
    if (!visitor.is_abrupt) {
        enter(visitor, Step::leaving);
        visitor.client->say_goodbye();
        return;
    }
    visitor.client->abort();
    enter(visitor, Step::gone);
    ++finished_;
}

void Visitors::give_up_on(Visitor& visitor, std::string_view why) {
    if (failed_++ == 0) {
        first_failure_ = "step " + std::to_string(static_cast<int>(visitor.step)) + ": ";
        first_failure_ += why;
    }
    visitor.client->abort();
    enter(visitor, Step::gone);
}

Visitors::Visitor& Visitors::visitor_of(Client& client) {
    // They are few, and sorted by arrival.
    const auto found = std::lower_bound(
        present_.begin(), present_.end(), client.index(), [](const auto& visitor, auto index) {
            return visitor->client->index() < index;
        });
    return **found;
}

void Visitors::on_open(Client& client) {
    Visitor& visitor = visitor_of(client);
    visitor.track.open_start();
    command(visitor, Step::subscribing, target_.protocol.subscribe(plan_.channel));
}

void Visitors::on_confirmed(Client& client) {
    Visitor& visitor = visitor_of(client);
    switch (visitor.step) {
        case Step::subscribing:
        case Step::returning:
            visitor.track.confirm_start(published_());
            enter(visitor,
                  visitor.step == Step::subscribing ? Step::listening : Step::listening_last);
            break;
        case Step::subscribing_again:
            enter(visitor, Step::listening_again);
            break;
        case Step::unsubscribing:
            visitor.track.finish_here(tally_);
            visitor.track = Track();
            enter(visitor, Step::silent);
            break;
        default:
            give_up_on(visitor, "an answer to nothing");
    }
}

void Visitors::on_message(Client& client, std::string_view message, Nanoseconds /*at*/) {
    Visitor& visitor = visitor_of(client);
    if (visitor.step == Step::leaving) return;
    const std::optional<Stamp> stamp = stamps_.find(message);
    if (!stamp || visitor.step == Step::silent) {
        ++tally_.stray;
        return;
    }
    visitor.track.record(stamp->sequence, tally_);
}

void Visitors::on_closed(Client& client, std::string_view reason) {
    Visitor& visitor = visitor_of(client);
    if (visitor.step != Step::leaving) return give_up_on(visitor, reason);
    enter(visitor, Step::gone);
    ++finished_;
}

}  // namespace roomcast::bench

// SPDX-License-Identifier: Apache-2.0
#include "brokers/rabbitmq.hpp"

#include <limits>
#include <utility>

#include "brokers/broker_figures.hpp"
#include "brokers/bus_message.hpp"
#include "brokers/rabbitmq_consumer.hpp"
#include "brokers/rabbitmq_publisher.hpp"
#include "util/hex.hpp"
#include "util/log.hpp"
#include "util/random.hpp"

namespace roomcast {

using rabbitmq::Kind;
using rabbitmq::Link;
using rabbitmq::Outgoing;
using rabbitmq::Probe;
using rabbitmq::Verdict;

namespace {

/// A lane that nobody here uses any more stays bound for so long: clients that come and go cost
/// RabbitMQ nothing.
constexpr std::chrono::seconds kUnusedLane{5};
constexpr std::chrono::seconds kUnusedCheck{1};

Errc to_errc(Verdict verdict) {
    if (verdict == Verdict::too_large) return Errc::limit;
    return verdict == Verdict::blocked ? Errc::broker_blocked : Errc::unavailable;
}

}  // namespace

RabbitmqBroker::RabbitmqBroker(const RabbitmqBrokerOptions& options, net::EventLoop& loop)
    : RabbitmqBroker(options, loop, rabbitmq::probe_key(options.topology, to_hex(random_u64()))) {}

RabbitmqBroker::RabbitmqBroker(const RabbitmqBrokerOptions& options,
                               net::EventLoop& loop,
                               const std::string& probe_key)
    : loop_(loop),
      options_(options),
      size_limit_(std::numeric_limits<std::size_t>::max()),
      mail_([this] { loop_.post([this] { take_mail(); }); }),
      publisher_(std::make_unique<rabbitmq::Publisher>(options, probe_key, mail_)),
      consumer_(std::make_unique<rabbitmq::Consumer>(options, probe_key, mail_)) {}

RabbitmqBroker::~RabbitmqBroker() {
    stop();
}

void RabbitmqBroker::start(BrokerSink& sink, Executor& executor) {
    sink_ = &sink;
    // Confirms and publications come through two connections.
    homes_ =
        std::make_unique<HomeSide>(sink, executor, options_.limits.with_room_for_late_echoes());
    publisher_->start();
    consumer_->start();
    loop_.post([this] { arm_probe(); });
}

void RabbitmqBroker::stop() {
    if (!homes_ || is_stopped_) return;
    publisher_->ask_to_stop();
    consumer_->ask_to_stop();
    publisher_->join();
    consumer_->join();
    loop_.run([this] {
        is_stopped_ = true;
        loop_.timers().cancel(expiry_timer_);
        loop_.timers().cancel(unbind_timer_);
        loop_.timers().cancel(probe_timer_);
    });
    loop_.run([] {});  // what is posted until then refers to this broker
    state_.end();
    homes_->give_up();
}

// ---- On the homes ----

void RabbitmqBroker::subscribe(const ChannelName& channel, SubscribeCallback confirmed) {
    const std::uint64_t attempt = homes_->await(channel, std::move(confirmed));
    loop_.post([this, channel, attempt] { add_interest(channel, attempt); });
}

void RabbitmqBroker::unsubscribe(const ChannelName& channel) {
    homes_->forget(channel);
    loop_.post([this, channel] { remove_interest(channel); });
}

void RabbitmqBroker::publish(BusMessage message, PublishCallback done) {
    const auto ticket = homes_->open(message.channel, std::move(done));
    if (!ticket) return;
    // Shared, because a std::function must be able to be copied.
    const auto outgoing = std::make_shared<Outgoing>();
    outgoing->channel = message.channel.text();
    outgoing->lane = lane_of(outgoing->channel);
    outgoing->body = encode_bus_message(message);
    loop_.post([this, ticket = *ticket, outgoing] { send(ticket, std::move(*outgoing)); });
}

void RabbitmqBroker::send_control(std::string message) {
    loop_.post([this, message = std::move(message)] {
        if (publisher_state_ == LinkState::down) return;
        publisher_->put({.body = message, .deadline = loop_.now() + options_.publish_timeout});
    });
}

// ---- Interests and lanes ----

void RabbitmqBroker::add_interest(const ChannelName& channel, std::uint64_t attempt) {
    const std::size_t index = lane_of(channel.text());
    Lane& lane = lanes_[index];
    Interest& interest = lane.interests[std::string(channel.text())];
    interest.name = channel;
    if (lane.binding == Binding::bound) {
        interest.was_live = true;
        homes_->confirm(channel, attempt);
        return hand_over_soon();
    }
    interest.awaited_attempt = attempt;
    bind_if_wanted(index);
}

void RabbitmqBroker::remove_interest(const ChannelName& channel) {
    Lane& lane = lanes_[lane_of(channel.text())];
    if (lane.interests.erase(std::string(channel.text())) == 0 || !lane.interests.empty()) return;
    if (lane.binding == Binding::none) release_held(lane);
    lane.unused_since = loop_.now();
    if (is_stopped_ || loop_.timers().is_set(unbind_timer_)) return;
    unbind_timer_ = loop_.timers().add(loop_.now() + kUnusedCheck, [this] { unbind_unused(); });
}

void RabbitmqBroker::bind_if_wanted(std::size_t index) {
    Lane& lane = lanes_[index];
    if (lane.interests.empty() || lane.binding != Binding::none ||
        consumer_state_ != LinkState::up) {
        return;
    }
    lane.binding = Binding::asked_for;
    lane.request = ++requests_;
    consumer_->bind(index, lane.request);
}

void RabbitmqBroker::unbind_unused() {
    bool is_any_left = false;
    for (std::size_t index = 0; index < kLanes; ++index) {
        Lane& lane = lanes_[index];
        if (!lane.interests.empty() || lane.binding == Binding::none) continue;
        if (lane.binding == Binding::asked_for || lane.unused_since + kUnusedLane > loop_.now()) {
            is_any_left = true;
            continue;
        }
        lane.binding = Binding::none;
        consumer_->unbind(index);
    }
    if (!is_any_left) return;
    unbind_timer_ = loop_.timers().add(loop_.now() + kUnusedCheck, [this] { unbind_unused(); });
}

void RabbitmqBroker::on(const rabbitmq::LaneBound& bound) {
    Lane& lane = lanes_[bound.lane];
    if (lane.binding != Binding::asked_for || lane.request != bound.request) return;
    lane.binding = Binding::bound;
    for (auto& [name, interest] : lane.interests) {
        // Before those are confirmed who were not there when something was missed.
        if (std::exchange(interest.was_live, true)) {
            gaps_.fetch_add(1, std::memory_order_relaxed);
            homes_->gap(interest.name);
        }
        if (const auto attempt = std::exchange(interest.awaited_attempt, 0); attempt != 0) {
            homes_->confirm(interest.name, attempt);
        }
    }
    release_held(lane);
}

void RabbitmqBroker::on(const rabbitmq::Arrived& arrived) {
    probe_.on_arrival();
    if (arrived.kind == Kind::probe) return probe_.on_return();
    if (arrived.kind == Kind::control) return sink_->on_control(arrived.body);
    if (arrived.channel.empty()) {
        bad_messages_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    const Lane& lane = lanes_[lane_of(arrived.channel)];
    // Of a lane that is not bound nobody was promised anything.
    if (lane.binding != Binding::bound) return;
    const auto found = lane.interests.find(arrived.channel);
    if (found != lane.interests.end()) homes_->deliver(found->second.name, arrived.body);
}

// ---- Publications ----

void RabbitmqBroker::send(PublishTicket ticket, Outgoing outgoing) {
    if (const auto admitted = admit(outgoing); !admitted) return answer(ticket, admitted.error());
    outgoing.deadline = loop_.now() + options_.publish_timeout;
    outgoing.id = pending_.add(ticket, outgoing.deadline, outgoing.body.size());
    arm_expiry();
    Lane& lane = lanes_[outgoing.lane];
    const bool must_wait =
        !lane.held.empty() || (!lane.interests.empty() && lane.binding != Binding::bound);
    if (must_wait) {
        lane.held.push_back(std::move(outgoing));
    } else {
        publisher_->put(std::move(outgoing));
    }
}

Result<void> RabbitmqBroker::admit(const Outgoing& outgoing) {
    if (is_stopped_ || publisher_state_ == LinkState::down) return Errc::unavailable;
    if (!blocked_reason_.empty()) return Errc::broker_blocked;
    if (outgoing.body.size() > size_limit_) return Errc::limit;
    if (consumer_state_ == LinkState::down && !lanes_[outgoing.lane].interests.empty()) {
        return Errc::unavailable;  // its echo could not come back
    }
    if (pending_.size() >= options_.limits.pending_publishes ||
        pending_.bytes() + outgoing.body.size() > options_.limits.mail_bytes) {
        return Errc::unavailable;
    }
    return {};
}

void RabbitmqBroker::release_held(Lane& lane) {
    for (Outgoing& outgoing : std::exchange(lane.held, {}))
        publisher_->put(std::move(outgoing));
}

void RabbitmqBroker::fail_held() {
    for (Lane& lane : lanes_) {
        for (const Outgoing& outgoing : std::exchange(lane.held, {}))
            on(rabbitmq::Answered{outgoing.id, Verdict::failed});
    }
}

void RabbitmqBroker::on(const rabbitmq::Answered& answered) {
    if (answered.id == Probe::kId) return probe_.on_answer(answered.verdict == Verdict::taken);
    const auto ticket = pending_.settle(answered.id);
    if (!ticket) return;  // its time was over
    if (answered.verdict == Verdict::taken) return homes_->answer(*ticket, std::nullopt);
    answer(*ticket, to_errc(answered.verdict));
}

void RabbitmqBroker::answer(PublishTicket ticket, Result<std::optional<PublishReceipt>> result) {
    if (!result) calls_failed_.fetch_add(1, std::memory_order_relaxed);
    homes_->answer(ticket, result);
    hand_over_soon();
}

void RabbitmqBroker::expire() {
    take_mail();  // an answer that is there already is none too late
    const Errc errc = blocked_reason_.empty() ? Errc::unavailable : Errc::broker_blocked;
    for (;;) {
        const auto late = pending_.expire_one(loop_.now());
        if (!late) break;
        answer(*late, errc);
    }
    arm_expiry();
}

void RabbitmqBroker::arm_expiry() {
    if (is_stopped_ || loop_.timers().is_set(expiry_timer_)) return;
    if (const auto due = pending_.next_deadline()) {
        expiry_timer_ = loop_.timers().add(*due, [this] { expire(); });
    }
}

/// Answers that come out of a call: those of the mail are handed over together.
void RabbitmqBroker::hand_over_soon() {
    if (std::exchange(is_handing_over_soon_, true)) return;
    loop_.post([this] {
        is_handing_over_soon_ = false;
        homes_->hand_over();
    });
}

// ---- The connections ----

void RabbitmqBroker::arm_probe() {
    probe_timer_ = loop_.timers().add(loop_.now() + options_.probe_interval, [this] { probe(); });
}

void RabbitmqBroker::probe() {
    arm_probe();
    if (!is_connected()) return;
    switch (probe_.next()) {
        case Probe::Step::send:
            return publisher_->put({.id = Probe::kId,
                                    .lane = rabbitmq::kProbeLane,
                                    .deadline = loop_.now() + options_.publish_timeout});
        case Probe::Step::wait:
            return;
        case Probe::Step::give_up:
            return consumer_->give_up();
    }
}

void RabbitmqBroker::take_mail() {
    if (mail_.take(taken_)) consumer_->wake();
    for (const rabbitmq::Event& event : taken_)
        std::visit([this](const auto& each) { on(each); }, event);
    taken_.clear();
    homes_->hand_over();
}

void RabbitmqBroker::on(const rabbitmq::SizeLimit& limit) {
    size_limit_ = limit.bytes;
    log::warn("RabbitMQ refuses larger publications from now on", {{"bytes", limit.bytes}});
}

void RabbitmqBroker::on(const rabbitmq::Blocked& blocked) {
    blocked_reason_ = blocked.reason;
    update_state();
}

void RabbitmqBroker::on(const rabbitmq::LinkUp& up) {
    // One comes back with the other: who has subscribed publishes next.
    if (up.link == Link::publisher) {
        publisher_state_ = LinkState::up;
        if (consumer_state_ == LinkState::down) {
            consumer_state_ = LinkState::connecting;
            consumer_->hurry();
        }
    } else {
        consumer_state_ = LinkState::up;
        if (publisher_state_ == LinkState::down) {
            publisher_state_ = LinkState::connecting;
            publisher_->hurry();
        }
        for (std::size_t index = 0; index < kLanes; ++index)
            bind_if_wanted(index);
    }
    update_state();
}

void RabbitmqBroker::on(const rabbitmq::LinkDown& down) {
    probe_.reset();
    if (down.was_ready) connections_lost_.fetch_add(1, std::memory_order_relaxed);
    const LinkState state = down.was_ready ? LinkState::connecting : LinkState::down;
    if (down.link == Link::publisher) {
        publisher_state_ = state;
        blocked_reason_.clear();
    } else {
        consumer_state_ = state;
        for (Lane& lane : lanes_) {
            lane.binding = Binding::none;
            if (lane.interests.empty()) release_held(lane);
        }
    }
    if (state == LinkState::down) fail_held();
    state_.tell(*sink_, false, down.failure.text);
}

void RabbitmqBroker::update_state() {
    if (!blocked_reason_.empty()) {
        return state_.tell(*sink_, false, "it takes no publications: " + blocked_reason_);
    }
    if (publisher_state_ == LinkState::up && consumer_state_ == LinkState::up) {
        state_.tell(*sink_, true, to_text(options_.address));
    }
}

std::vector<Figure> RabbitmqBroker::figures() const {
    if (!homes_) return {};
    return broker_figures(*homes_,
                          {.gaps = gaps_.load(std::memory_order_relaxed),
                           .bad_messages = bad_messages_.load(std::memory_order_relaxed),
                           .connections_lost = connections_lost_.load(std::memory_order_relaxed),
                           .calls_failed = calls_failed_.load(std::memory_order_relaxed)});
}

}  // namespace roomcast

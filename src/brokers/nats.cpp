// SPDX-License-Identifier: Apache-2.0
#include "brokers/nats.hpp"

#include <chrono>
#include <utility>

#include "brokers/broker_figures.hpp"
#include "brokers/bus_message.hpp"

namespace roomcast {

NatsBroker::NatsBroker(NatsBrokerOptions options, net::EventLoop& loop)
    : loop_(loop),
      limits_(options.limits),
      subjects_(options.prefix),
      worker_(std::make_shared<NatsWorker>(std::move(options))) {}

NatsBroker::~NatsBroker() {
    stop();
}

void NatsBroker::start(BrokerSink& sink, Executor& executor) {
    sink_ = &sink;
    // The library's thread brings publications, another one their answers.
    homes_ = std::make_unique<HomeSide>(sink, executor, limits_.with_room_for_late_echoes());
    worker_->start(*this);
}

void NatsBroker::stop() {
    if (!homes_) return;
    worker_->stop();
    loop_.run([] {});  // what was posted refers to this broker
    homes_->give_up();
}

// ---- on the homes ----

void NatsBroker::subscribe(const ChannelName& channel, SubscribeCallback confirmed) {
    worker_->post(NatsSubscribe{channel, homes_->await(channel, std::move(confirmed))});
}

void NatsBroker::unsubscribe(const ChannelName& channel) {
    homes_->forget(channel);
    worker_->post(NatsUnsubscribe{channel});
}

void NatsBroker::publish(BusMessage message, PublishCallback done) {
    if (!is_connected() || worker_->waiting_bytes() > limits_.mail_bytes) {
        return done(Errc::unavailable);
    }
    std::string body = encode_bus_message(message);
    if (body.size() > worker_->max_payload()) return done(Errc::limit);
    const auto ticket = homes_->open(message.channel, std::move(done));
    if (!ticket) return;
    worker_->post(NatsPublish{.ticket = ticket,
                              .subject = subjects_.of(message.channel),
                              .body = std::move(body),
                              .queued_at = std::chrono::steady_clock::now()});
}

void NatsBroker::send_control(std::string message) {
    if (!is_connected()) return;
    worker_->post(NatsPublish{.ticket = std::nullopt,
                              .subject = subjects_.control(),
                              .body = std::move(message),
                              .queued_at = std::chrono::steady_clock::now()});
}

// ---- on the worker's and the library's threads ----

/// With the lock of mail.
void NatsBroker::hand_over_soon() {
    if (std::exchange(is_handing_over_soon_, true)) return;
    loop_.post([this] {
        const std::lock_guard lock(mail_mutex_);
        is_handing_over_soon_ = false;
        homes_->hand_over();
    });
}

void NatsBroker::on_message(const ChannelName& channel, std::string_view body, bool has_followers) {
    const std::lock_guard lock(mail_mutex_);
    homes_->deliver(channel, body);
    // The last one hands over for all.
    if (!has_followers) hand_over_soon();
}

void NatsBroker::on_control(std::string_view body) {
    sink_->on_control(body);
}

void NatsBroker::on_gap(const ChannelName& channel) {
    gaps_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard lock(mail_mutex_);
    homes_->gap(channel);
    hand_over_soon();
}

void NatsBroker::on_confirmed(const ChannelName& channel, std::uint64_t attempt) {
    const std::lock_guard lock(mail_mutex_);
    homes_->confirm(channel, attempt);
    hand_over_soon();
}

void NatsBroker::on_answers(std::span<const PublishTicket> tickets,
                            Result<std::optional<PublishReceipt>> result) {
    const std::lock_guard lock(mail_mutex_);
    for (const PublishTicket& ticket : tickets)
        homes_->answer(ticket, result);
    hand_over_soon();
}

void NatsBroker::on_round_trip() {
    // Also for a channel whose last messages found no room: it is told by a later handing over.
    const std::lock_guard lock(mail_mutex_);
    hand_over_soon();
}

void NatsBroker::on_state(bool is_connected, std::string_view detail) {
    sink_->on_state(is_connected, detail);
}

std::vector<Figure> NatsBroker::figures() const {
    if (!homes_) return {};
    const NatsFigures& counted = worker_->figures();
    std::vector<Figure> figures = broker_figures(
        *homes_,
        {.gaps = gaps_.load(std::memory_order_relaxed),
         .connections_lost = counted.connections_lost.load(std::memory_order_relaxed),
         .calls_failed = counted.calls_failed.load(std::memory_order_relaxed)});
    figures.push_back(
        {.name = "roomcast_broker_client_dropped_total",
         .help = "Messages that the client library dropped because they were taken too slowly; "
                 "told as gaps.",
         .is_counter = true,
         .value = static_cast<double>(counted.dropped_messages.load(std::memory_order_relaxed))});
    figures.push_back(
        {.name = "roomcast_broker_round_trip_seconds",
         .help = "How long the last round trip to the broker took.",
         .is_counter = false,
         .value =
             static_cast<double>(counted.round_trip_us.load(std::memory_order_relaxed)) / 1e6});
    return figures;
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "brokers/kafka.hpp"

#include <algorithm>
#include <utility>

#include <pthread.h>

#include "brokers/broker_figures.hpp"
#include "brokers/bus_message.hpp"

namespace roomcast {

using std::chrono::milliseconds, std::chrono::steady_clock;

KafkaBroker::KafkaBroker(KafkaBrokerOptions options)
    : options_(std::move(options)),
      inbox_(std::make_shared<kafka::Inbox>()),
      publisher_(options_, inbox_->waker, trouble_taker()),
      consumer_(options_, inbox_->waker, *this, trouble_taker()),
      watcher_(std::make_shared<kafka::Watcher>(options_, inbox_)) {}

KafkaBroker::~KafkaBroker() {
    stop();
}

void KafkaBroker::start(BrokerSink& sink, Executor& executor) {
    sink_ = &sink;
    homes_ = std::make_unique<HomeSide>(sink, executor, options_.limits);
    publisher_.answer_to(*homes_);
    consumer_.deliver_to(*homes_);
    thread_ = std::thread([this] { run(); });
    watcher_->start(publisher_, consumer_.client_events());
}

void KafkaBroker::stop() {
    if (!thread_.joinable()) return;
    watcher_->ask_to_stop();
    is_stopping_ = true;
    inbox_->waker.wake();
    thread_.join();
    watcher_->stop();
    state_.end();
    homes_->give_up();
}

// ---- On the homes ----

void KafkaBroker::subscribe(const ChannelName& channel, SubscribeCallback confirmed) {
    const std::uint64_t attempt = homes_->await(channel, std::move(confirmed));
    inbox_->mail.put_control(kafka::Subscribe{channel, attempt});
}

void KafkaBroker::unsubscribe(const ChannelName& channel) {
    homes_->forget(channel);
    inbox_->mail.put_control(kafka::Unsubscribe{channel});
}

void KafkaBroker::publish(BusMessage message, PublishCallback done) {
    if (!is_connected()) return done(Errc::unavailable);
    const auto ticket = homes_->open(message.channel, std::move(done));
    if (!ticket) return;
    std::string body = encode_bus_message(message);
    inbox_->mail.put_control(
        kafka::Publish{.ticket = *ticket,
                       .channel = std::move(message.channel),
                       .body = std::move(body),
                       .deadline = steady_clock::now() + options_.publish_timeout});
}

void KafkaBroker::send_control(std::string message) {
    if (is_connected()) inbox_->mail.put_control(kafka::Control{std::move(message)});
}

// ---- The thread ----

void KafkaBroker::run() {
    (void)::pthread_setname_np(::pthread_self(), "kafka");  // for tools alone
    while (!is_stopping_) {
        take_mail();
        publisher_.serve();
        const bool has_more = consumer_.serve();
        publisher_.expire(steady_clock::now());
        check_producer();
        update_state();
        homes_->hand_over();
        if (!has_more) inbox_->waker.sleep(time_to_sleep());
    }
    take_mail();  // what was published before the stop
    publisher_.close(is_connected());
    consumer_.close();
}

milliseconds KafkaBroker::time_to_sleep() {
    // Channels whose messages found no room are told so by the next handing over.
    constexpr milliseconds kMost{1'000};
    constexpr milliseconds kUntilAHomeHasRoom{5};
    const milliseconds most = consumer_.waits_for_home() ? kUntilAHomeHasRoom : kMost;
    const auto due = publisher_.next_deadline();
    if (!due) return most;
    const auto rest = std::chrono::ceil<milliseconds>(*due - steady_clock::now());
    return std::clamp(rest, milliseconds(0), most);
}

void KafkaBroker::take_mail() {
    inbox_->mail.take(taken_);
    for (kafka::Mail& mail : taken_)
        std::visit([this](auto& each) { on(each); }, mail);
    taken_.clear();
}

void KafkaBroker::on(const kafka::Publish& publish) {
    if (!is_connected()) return publisher_.refuse(publish.ticket);
    publisher_.publish(publish);
}

void KafkaBroker::on(const kafka::Control& control) {
    publisher_.send(control);
}

void KafkaBroker::on(const kafka::Subscribe& subscribe) {
    consumer_.subscribe(subscribe);
}

void KafkaBroker::on(const kafka::Unsubscribe& unsubscribe) {
    consumer_.unsubscribe(unsubscribe);
}

void KafkaBroker::on(kafka::ClientsMade& made) {
    if (made.consumer) consumer_.use(std::move(made.consumer));
    if (!made.producer) return;
    publisher_.use(std::move(made.producer));
    is_replacing_producer_ = false;
}

void KafkaBroker::on(const kafka::Found& found) {
    is_reachable_ = true;
    trouble_ = RD_KAFKA_RESP_ERR_NO_ERROR;
    trouble_text_.clear();
    consumer_.note_ends(found.turn.ends);
    consumer_.begin(found.turn.begin);
    update_state();  // who is confirmed may publish at once
    consumer_.confirm_waiting();
}

void KafkaBroker::on(const kafka::Unreachable& unreachable) {
    if (std::exchange(is_reachable_, false)) {
        connections_lost_.fetch_add(1, std::memory_order_relaxed);
    }
    why_unreachable_ = trouble_text_.empty() ? unreachable.why : trouble_text_;
}

void KafkaBroker::on_control(std::string_view body) {
    sink_->on_control(body);
}

void KafkaBroker::on_lost(std::int32_t partition) {
    watcher_->find_again(partition);
}

// ---- The state ----

kafka::OnTrouble KafkaBroker::trouble_taker() {
    return [this](rd_kafka_resp_err_t error, std::string_view text) { note_trouble(error, text); };
}

/// Servers that are away say so again and again, each in its words: the first ones are kept.
void KafkaBroker::note_trouble(rd_kafka_resp_err_t error, std::string_view text) {
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || error == trouble_) return;
    trouble_ = error;
    trouble_text_ = text.substr(0, text.find(" (after "));  // "… 3ms in state CONNECT)"
}

/// A producer whose numbering of messages is lost, or that the cluster does not let in, is of no
/// use any more.
void KafkaBroker::check_producer() {
    if (publisher_.failure().empty() || is_replacing_producer_) return;
    is_replacing_producer_ = true;
    watcher_->replace_producer();
}

void KafkaBroker::update_state() {
    if (!is_reachable_) {
        if (!why_unreachable_.empty()) state_.tell(*sink_, false, why_unreachable_);
    } else if (!publisher_.failure().empty()) {
        state_.tell(*sink_, false, publisher_.failure());
    } else if (const auto stuck = consumer_.stuck()) {
        state_.tell(*sink_,
                    false,
                    "nothing arrives of partition " + std::to_string(*stuck) +
                        (consumer_.refusal().empty() ? "" : ": " + consumer_.refusal()));
    } else if (consumer_.is_live()) {
        state_.tell(*sink_, true, kafka::to_text(options_.access.servers));
    }
}

std::vector<Figure> KafkaBroker::figures() const {
    if (!homes_) return {};
    std::vector<Figure> figures =
        broker_figures(*homes_,
                       {.gaps = consumer_.gaps(),
                        .bad_messages = consumer_.bad_messages(),
                        .connections_lost = connections_lost_.load(std::memory_order_relaxed),
                        .calls_failed = publisher_.calls_failed() + consumer_.calls_failed()});
    figures.push_back({.name = "roomcast_broker_lag_messages",
                       .help = "Messages of the topic that this node had not read when it last "
                               "asked where the topic ends.",
                       .is_counter = false,
                       .value = static_cast<double>(consumer_.lag())});
    return figures;
}

}  // namespace roomcast

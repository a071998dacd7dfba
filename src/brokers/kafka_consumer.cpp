// SPDX-License-Identifier: Apache-2.0
#include "brokers/kafka_consumer.hpp"

#include <chrono>
#include <utility>

#include "util/log.hpp"

namespace roomcast::kafka {

namespace {

/// What is taken before the thread looks at publications again.
constexpr int kMessagesInATurn = 512;

}  // namespace

Consumer::Consumer(const KafkaBrokerOptions& options,
                   const Waker& waker,
                   ConsumerEvents& events,
                   OnTrouble on_trouble)
    : topic_(options.access.topic),
      waker_(waker),
      events_(events),
      tell_trouble_(std::move(on_trouble)),
      progress_(options.read_patience),
      home_patience_(options.home_patience) {}

void Consumer::use(Client consumer) {
    queue_ = WakingQueue(rd_kafka_queue_get_consumer(consumer.get()), waker_);
    client_ = std::move(consumer);
}

void Consumer::close() {
    queue_ = {};
    client_.reset();
}

// ---- Interests ----

void Consumer::subscribe(const Subscribe& subscribe) {
    Interest& interest = interests_[std::string(subscribe.channel.text())];
    interest.name = subscribe.channel;
    if (is_live_) return homes_->confirm(subscribe.channel, subscribe.attempt);
    interest.awaited_attempt = subscribe.attempt;
}

void Consumer::unsubscribe(const Unsubscribe& unsubscribe) {
    interests_.erase(std::string(unsubscribe.channel.text()));
}

// ---- Positions ----

void Consumer::begin(const std::vector<Position>& positions) {
    if (positions.empty()) return;
    const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
    bool has_lost = false;
    for (const Position& position : positions) {
        rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), position.partition)->offset =
            position.offset;
        has_lost = progress_.is_lost(position.partition) || has_lost;
        progress_.begin(position);
    }
    if (const Error error{rd_kafka_incremental_assign(client_.get(), list.get())}) {
        on_refusal(rd_kafka_error_string(error.get()));
        for (const Position& position : positions)
            lose(position.partition);
        return;
    }
    if (has_lost) tell_gaps();
    is_live_ = true;
}

void Consumer::confirm_waiting() {
    if (!is_live_) return;
    for (auto& [name, interest] : interests_) {
        const auto attempt = std::exchange(interest.awaited_attempt, 0);
        if (attempt != 0) homes_->confirm(interest.name, attempt);
    }
}

void Consumer::lose(std::int32_t partition) {
    progress_.lose(partition);
    events_.on_lost(partition);
}

/// Which channels are in a partition is not known here: other gateways may divide them otherwise.
void Consumer::tell_gaps() {
    for (const auto& [name, interest] : interests_) {
        gaps_.fetch_add(1, std::memory_order_relaxed);
        homes_->gap(interest.name);
    }
}

void Consumer::note_ends(const std::vector<Position>& ends) {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (waits_for_home_) progress_.pause(now);
    progress_.on_ends(ends, now);
    lag_.store(progress_.lag(), std::memory_order_relaxed);
}

// ---- Messages ----

bool Consumer::serve() {
    if (!client_) return false;
    for (int i = 0; i < kMessagesInATurn; ++i) {
        waits_for_home_ = must_wait_for_home();
        if (waits_for_home_) return false;
        const Message message(rd_kafka_consumer_poll(client_.get(), 0));
        if (!message) {
            behind_since_.reset();
            return false;
        }
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            on_message(*message);
        } else {
            on_error(*message);
        }
    }
    return true;
}

/// Kafka keeps what is not read, so a peak costs time and loses nothing. But not for ever: who is
/// late by more than the patience prefers the present, and is told of the gap.
bool Consumer::must_wait_for_home() {
    if (homes_->has_room()) return false;
    const SteadyTime now = std::chrono::steady_clock::now();
    if (!behind_since_) behind_since_ = now;
    return now - *behind_since_ < home_patience_;
}

void Consumer::on_message(const rd_kafka_message_t& message) {
    progress_.on_read({message.partition, message.offset + 1});
    refusal_.clear();
    const std::string_view key =
        message.key_len == 0
            ? std::string_view()
            : std::string_view(static_cast<const char*>(message.key), message.key_len);
    const std::string_view body =
        message.len == 0 ? std::string_view()
                         : std::string_view(static_cast<const char*>(message.payload), message.len);
    if (key == kControlKey) return events_.on_control(body);
    if (const auto found = interests_.find(key); found != interests_.end()) {
        return homes_->deliver(found->second.name, body);
    }
    if (key.empty() || key.size() > ChannelName::kMaxBytes) {
        bad_messages_.fetch_add(1, std::memory_order_relaxed);
    }
}

void Consumer::on_error(const rd_kafka_message_t& message) {
    switch (message.err) {
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            return progress_.on_read({message.partition, message.offset});
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET: {
            const PartitionList list(rd_kafka_topic_partition_list_new(1));
            rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), message.partition);
            // An error would be that it is not read, which is what is wanted.
            const Error ignored{rd_kafka_incremental_unassign(client_.get(), list.get())};
            log::warn(
                "what was to be read next is not in kafka any more: it is read on from the end",
                {{"partition", message.partition}, {"reason", rd_kafka_message_errstr(&message)}});
            return lose(message.partition);
        }
        default:
            return on_refusal(rd_kafka_message_errstr(&message));
    }
}

void Consumer::on_refusal(std::string_view text) {
    calls_failed_.fetch_add(1, std::memory_order_relaxed);
    static log::RateLimit limit(5, std::chrono::seconds(10));
    if (const auto suppressed = limit.admit()) {
        log::warn("kafka does not let this node read",
                  {{"error", text}, {"suppressed", *suppressed}});
    }
    refusal_ = text;
}

void Consumer::on_trouble(rd_kafka_resp_err_t error, std::string_view text) {
    tell_trouble_(error, text);
}

}  // namespace roomcast::kafka

// SPDX-License-Identifier: Apache-2.0
#include "brokers/kafka_watcher.hpp"

#include <utility>

#include <pthread.h>

namespace roomcast::kafka {

namespace {

using std::chrono::milliseconds, std::chrono::steady_clock;

constexpr milliseconds kRetry{500};
/// One server may be lost without the others being so: the next question goes to another.
constexpr int kMisses = 2;
/// Longer than a question waits for its answer and clients take to end.
constexpr milliseconds kStopPatience{2'000};
/// A producer that the cluster refuses is not made again and again.
constexpr std::chrono::seconds kProducerLife{2};

}  // namespace

Watcher::Watcher(KafkaBrokerOptions options, std::shared_ptr<Inbox> inbox)
    : options_(std::move(options)),
      inbox_(std::move(inbox)) {}

Watcher::~Watcher() = default;

void Watcher::start(ProducerEvents& of_producer, ClientEvents& of_consumer) {
    of_producer_ = &of_producer;
    of_consumer_ = &of_consumer;
    thread_ = std::thread([self = shared_from_this()] { self->run(); });
}

void Watcher::ask_to_stop() {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
}

void Watcher::stop() {
    if (!thread_.joinable()) return;
    std::unique_lock lock(mutex_);
    is_alone_ = true;
    changed_.notify_all();
    const bool has_ended = changed_.wait_for(lock, kStopPatience, [this] { return has_ended_; });
    lock.unlock();
    if (has_ended) {
        thread_.join();
    } else {
        thread_.detach();
    }
}

void Watcher::find_again(std::int32_t partition) {
    const std::lock_guard lock(mutex_);
    lost_.push_back(partition);
    changed_.notify_all();
}

void Watcher::replace_producer() {
    const std::lock_guard lock(mutex_);
    is_producer_ended_ = true;
    changed_.notify_all();
}

void Watcher::run() {
    (void)::pthread_setname_np(::pthread_self(), "kafka-watch");  // for tools alone
    do {
        turn();
    } while (pause());
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_alone_; });
    lock.unlock();
    cluster_.reset();
    producer_.reset();
    consumer_.reset();
    lock.lock();
    has_ended_ = true;
    changed_.notify_all();
}

bool Watcher::pause() {
    std::unique_lock lock(mutex_);
    const bool is_well = is_found_ && misses_ == 0;
    if (!is_well) {
        changed_.wait_for(lock, kRetry, [this] { return is_stopping_; });
    } else {
        changed_.wait_for(lock, options_.probe_interval, [this] {
            return is_stopping_ || !lost_.empty() || is_producer_ended_;
        });
    }
    return !is_stopping_;
}

void Watcher::take_wishes() {
    const std::lock_guard lock(mutex_);
    for (const std::int32_t partition : std::exchange(lost_, {}))
        tail_.lose(partition);
    if (std::exchange(is_producer_ended_, false)) {
        cluster_.reset();
        producer_.reset();
    }
}

bool Watcher::has_clients() {
    if (cluster_) return true;
    if (!consumer_) {
        auto consumer = make_consumer(options_, *of_consumer_);
        if (!consumer) {
            miss(consumer.error());
            return false;
        }
        consumer_ = *std::move(consumer);
        inbox_->mail.put_control(ClientsMade{nullptr, consumer_});
    }
    const SteadyTime now = steady_clock::now();
    if (now - producer_made_at_ < kProducerLife) {
        miss({});
        return false;
    }
    auto producer = make_producer(options_, *of_producer_);
    if (!producer) {
        miss(producer.error());
        return false;
    }
    producer_made_at_ = now;
    producer_ = *std::move(producer);
    inbox_->mail.put_control(ClientsMade{producer_, nullptr});
    cluster_ = std::make_unique<LibraryCluster>(producer_, consumer_, options_.access.topic);
    return true;
}

void Watcher::turn() {
    take_wishes();
    if (!has_clients()) return;
    auto found = tail_.turn(*cluster_);
    if (!found) return miss(found.error());
    misses_ = 0;
    is_found_ = true;
    inbox_->mail.put_control(Found{*std::move(found)});
}

void Watcher::miss(std::string why) {
    ++misses_;
    // At first a name look-up and several handshakes come before the answer.
    if (misses_ >= kMisses && !why.empty()) inbox_->mail.put_control(Unreachable{std::move(why)});
}

}  // namespace roomcast::kafka

// SPDX-License-Identifier: Apache-2.0
#include "brokers/rabbitmq_worker.hpp"

#include <utility>

#include <pthread.h>

#include "util/random.hpp"

namespace roomcast::rabbitmq {

namespace {

/// How long a thread may take to end in good order.
constexpr std::chrono::milliseconds kStopPatience{500};

}  // namespace

Worker::Worker(ConnectionOptions options, std::string thread_name, Role& role, Waker& waker)
    : options_(std::move(options)),
      thread_name_(std::move(thread_name)),
      role_(role),
      waker_(waker) {}

Worker::~Worker() {
    ask_to_stop();
    join();
}

void Worker::start() {
    thread_ = std::thread([this] { run(); });
}

void Worker::hurry() {
    const std::lock_guard lock(mutex_);
    is_hurried_ = true;
    changed_.notify_all();
}

void Worker::ask_to_stop() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
        changed_.notify_all();
    }
    waker_.wake();
}

void Worker::join() {
    if (!thread_.joinable()) return;
    {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, kStopPatience, [this] { return has_ended_; });
    }
    breaker_.pull();
    thread_.join();
}

void Worker::run() {
    (void)::pthread_setname_np(::pthread_self(), thread_name_.c_str());  // for tools alone
    net::Backoff backoff(random_u64());
    while (!is_stopping_) {
        bool was_ready = false;
        auto failure = live(backoff, was_ready);
        if (!failure || is_stopping_) break;
        const bool is_configuration = failure->is_configuration;
        role_.on_failure(was_ready, std::move(*failure));
        pause(backoff.next(is_configuration));
    }
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    changed_.notify_all();
}

std::optional<Failure> Worker::live(net::Backoff& backoff, bool& was_ready) {
    auto opened = Connection::open(options_, breaker_);
    if (!opened) return opened.error();
    Connection& connection = **opened;
    if (auto failure = role_.set_up(connection)) return failure;
    was_ready = true;
    backoff.on_ready(std::chrono::steady_clock::now());
    role_.on_ready();
    while (!is_stopping_) {
        if (auto failure = role_.turn(connection)) {
            backoff.on_lost(std::chrono::steady_clock::now());
            return failure;
        }
    }
    connection.close();
    return std::nullopt;
}

void Worker::pause(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [this] { return is_stopping_ || is_hurried_; });
    is_hurried_ = false;
}

}  // namespace roomcast::rabbitmq

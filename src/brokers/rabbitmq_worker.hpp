// SPDX-License-Identifier: Apache-2.0
// The thread of one connection to RabbitMQ: it connects, serves, and connects again.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "brokers/rabbitmq_connection.hpp"
#include "brokers/waker.hpp"
#include "net/backoff.hpp"

namespace roomcast::rabbitmq {

/// What a connection is for. All of it is called on the worker's thread.
class Role {
public:
    virtual ~Role() = default;
    /// The calls to make before the connection is ready.
    [[nodiscard]] virtual std::optional<Failure> set_up(Connection& connection) = 0;
    virtual void on_ready() = 0;
    /// Does what there is to do and sleeps until there is more. A failure ends the connection.
    [[nodiscard]] virtual std::optional<Failure> turn(Connection& connection) = 0;
    /// It was ready and is lost, or did not become ready.
    virtual void on_failure(bool was_ready, Failure failure) = 0;
};

class Worker {
public:
    /// `thread_name` has at most 15 bytes; `role` and `waker` outlive the worker.
    Worker(ConnectionOptions options, std::string thread_name, Role& role, Waker& waker);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void start();
    /// The server is there: a pause before the next attempt ends now. From any thread.
    void hurry();
    /// Asks the thread to end. From any thread.
    void ask_to_stop();
    /// Waits for that: for a moment, and then breaks off whatever holds it up.
    void join();

    [[nodiscard]] bool is_stopping() const { return is_stopping_; }

private:
    void run();
    /// One connection, from its attempt to its end. Nothing: stopping.
    [[nodiscard]] std::optional<Failure> live(net::Backoff& backoff, bool& was_ready);
    void pause(std::chrono::milliseconds time);

    const ConnectionOptions options_;
    const std::string thread_name_;
    Role& role_;
    Waker& waker_;
    Breaker breaker_;
    std::atomic<bool> is_stopping_{false};
    std::mutex mutex_;  // for the two waits
    std::condition_variable changed_;
    bool is_hurried_ = false;
    bool has_ended_ = false;
    std::thread thread_;
};

}  // namespace roomcast::rabbitmq

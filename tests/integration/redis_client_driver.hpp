// SPDX-License-Identifier: Apache-2.0
// A Redis client on a loop of its own, driven and watched from the thread of a test.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/event_loop.hpp"
#include "redis/client.hpp"
#include "tests/support/child_process.hpp"

namespace roomcast::test {

/// What a client has told, in order, for one thread to write and another to read.
class RecordingClientSink final : public redis::ClientSink {
public:
    void on_state(bool is_connected, std::string_view detail) override {
        const std::lock_guard lock(mutex_);
        states_.emplace_back(is_connected, detail);
    }

    void on_subscribed(const std::string& channel, bool may_have_missed) override {
        const std::lock_guard lock(mutex_);
        confirmations_[channel].push_back(may_have_missed);
        // In the list of messages a renewal is a mark: what comes next may not follow.
        if (may_have_missed) messages_[channel].emplace_back(kGap);
    }

    void on_message(std::string_view channel, std::string_view payload) override {
        const std::lock_guard lock(mutex_);
        messages_[std::string(channel)].emplace_back(payload);
    }

    void on_subscribe_refused(const std::string& channel, std::string_view error) override {
        const std::lock_guard lock(mutex_);
        refusals_[channel] = error;
    }

    [[nodiscard]] std::vector<std::pair<bool, std::string>> states() const {
        const std::lock_guard lock(mutex_);
        return states_;
    }

    [[nodiscard]] std::string last_detail() const {
        const std::lock_guard lock(mutex_);
        return states_.empty() ? "" : states_.back().second;
    }

    /// May_have_missed of each confirmation.
    [[nodiscard]] std::vector<bool> confirmations(const std::string& channel) const {
        const std::lock_guard lock(mutex_);
        const auto found = confirmations_.find(channel);
        return found == confirmations_.end() ? std::vector<bool>() : found->second;
    }

    [[nodiscard]] std::vector<std::string> messages(const std::string& channel) const {
        const std::lock_guard lock(mutex_);
        const auto found = messages_.find(channel);
        return found == messages_.end() ? std::vector<std::string>() : found->second;
    }

    [[nodiscard]] std::string refusal(const std::string& channel) const {
        const std::lock_guard lock(mutex_);
        const auto found = refusals_.find(channel);
        return found == refusals_.end() ? "" : found->second;
    }

    static constexpr const char* kGap = "(gap)";

private:
    mutable std::mutex mutex_;  // guards all that follows
    std::vector<std::pair<bool, std::string>> states_;
    std::map<std::string, std::vector<bool>> confirmations_;
    std::map<std::string, std::vector<std::string>> messages_;
    std::map<std::string, std::string> refusals_;
};

class RedisClientDriver {
public:
    explicit RedisClientDriver(redis::ClientOptions options) {
        loop_.run([&] {
            client_ = redis::make_client(loop_, std::move(options));
            client_->start(sink_);
        });
    }

    RedisClientDriver(const RedisClientDriver&) = delete;
    RedisClientDriver& operator=(const RedisClientDriver&) = delete;

    ~RedisClientDriver() {
        loop_.run([&] {
            client_->stop();
            client_.reset();
        });
    }

    [[nodiscard]] RecordingClientSink& sink() { return sink_; }

    [[nodiscard]] redis::ClientFigures figures() const { return client_->figures(); }

    [[nodiscard]] bool is_connected() {
        bool is_connected = false;
        loop_.run([&] { is_connected = client_->is_connected(); });
        return is_connected;
    }

    [[nodiscard]] bool connects() {
        return eventually([this] { return is_connected(); });
    }

    void run(const std::function<void(redis::Client&)>& work) {
        loop_.run([&] { work(*client_); });
    }

    /// Without waiting for the loop.
    void post(std::function<void(redis::Client&)> work) {
        loop_.post([this, work = std::move(work)] { work(*client_); });
    }

    void subscribe(const std::string& channel) {
        run([&](redis::Client& client) { client.subscribe(channel, channel); });
    }

    [[nodiscard]] bool subscribes(const std::string& channel) {
        const std::size_t before = sink_.confirmations(channel).size();
        subscribe(channel);
        return eventually([&] { return sink_.confirmations(channel).size() > before; });
    }

    /// Makes a call with the callback given to `start` and waits for its answer.
    redis::Reply wait_for(const std::function<void(redis::Client&, redis::ReplyCallback)>& start) {
        auto promise = std::make_shared<std::promise<redis::Reply>>();
        auto answer = promise->get_future();
        run([&](redis::Client& client) {
            start(client, [promise](redis::Reply reply) { promise->set_value(std::move(reply)); });
        });
        return answer.get();
    }

    redis::Reply call(const resp::Command& command, const std::string& key = "key") {
        return wait_for([&](redis::Client& client, redis::ReplyCallback done) {
            client.call(key, command, std::move(done));
        });
    }

    redis::Reply publish(const std::string& channel, const std::string& payload) {
        return wait_for([&](redis::Client& client, redis::ReplyCallback done) {
            client.publish(channel, payload, std::move(done));
        });
    }

    redis::Reply eval(const redis::Script& script,
                      const std::vector<std::string>& keys,
                      const std::vector<std::string>& arguments) {
        return wait_for([&](redis::Client& client, redis::ReplyCallback done) {
            client.eval(script, keys, arguments, std::move(done));
        });
    }

private:
    RecordingClientSink sink_;
    net::EventLoop loop_{"redis-test"};
    std::unique_ptr<redis::Client> client_;
};

/// The error of a reply; empty if it is none.
[[nodiscard]] inline std::string error_of(const redis::Reply& reply) {
    return reply ? "" : reply.error().text;
}

/// Publishes "1", "2", … on a channel, and checks what has arrived.
class NumberedPublisher {
public:
    NumberedPublisher(RedisClientDriver& driver, std::string channel, std::string prefix = "")
        : driver_(driver),
          channel_(std::move(channel)),
          prefix_(std::move(prefix)) {}

    /// Sends the next `count` numbers, without waiting for their answers.
    void send(int count) {
        driver_.post([this, count](redis::Client& client) {
            for (int i = 0; i < count; ++i) {
                const std::string number = prefix_ + std::to_string(++sent_);
                client.publish(channel_, number, [this, number](const redis::Reply& reply) {
                    if (reply) {
                        accepted_.push_back(number);
                    } else {
                        failures_.push_back(reply.error().text);
                    }
                    answered_.fetch_add(1);
                });
            }
        });
        asked_ += count;
    }

    [[nodiscard]] bool is_all_answered() const { return answered_.load() == asked_; }

    [[nodiscard]] bool waits_for_answers() {
        return eventually([this] { return is_all_answered(); });
    }

    [[nodiscard]] int answered() const { return answered_.load(); }

    /// Only when all are answered.
    [[nodiscard]] const std::vector<std::string>& accepted() const { return accepted_; }

    [[nodiscard]] const std::vector<std::string>& failures() const { return failures_; }

private:
    RedisClientDriver& driver_;
    const std::string channel_;
    const std::string prefix_;
    int asked_ = 0;
    std::atomic<int> answered_{0};
    // On the loop:
    int sent_ = 0;
    std::vector<std::string> accepted_;
    std::vector<std::string> failures_;
};

}  // namespace roomcast::test

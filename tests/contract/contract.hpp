// SPDX-License-Identifier: Apache-2.0
// What the contract suites share: the cases a backend describes itself with, and the threads on
// which a broker or store is called as the hub calls it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "brokers/broker.hpp"
#include "model/home_shard.hpp"
#include "stores/presence_store.hpp"

namespace roomcast {

/// How long a suite waits for what must happen.
inline constexpr std::chrono::seconds kPatience{40};

struct BrokerCase {
    std::string name;
    BrokerOrder order;  // what the backend promises, and the suite then checks
    ShardIndex shards;
    /// How many brokers may be made that reach each other; 1: embedded.
    int nodes;
    std::function<std::unique_ptr<Broker>()> make;

    friend std::ostream& operator<<(std::ostream& out, const BrokerCase& broker) {
        return out << broker.name;
    }
};

struct StoreCase {
    std::string name;
    ShardIndex shards;
    std::function<std::unique_ptr<PresenceStore>(const Clock&)> make;

    friend std::ostream& operator<<(std::ostream& out, const StoreCase& store) {
        return out << store.name;
    }
};

/// For readable test names.
template <class Case>
std::string case_name(const testing::TestParamInfo<Case>& info) {
    return info.param.name + "_" + std::to_string(info.param.shards) + "_shards";
}

class BrokerContract : public testing::TestWithParam<BrokerCase> {};

class PresenceStoreContract : public testing::TestWithParam<StoreCase> {};

/// One thread for each home shard. Everything about a channel is called on its home's thread.
class HomeThreads final : public Executor {
public:
    explicit HomeThreads(ShardIndex shards) : queues_(shards) {
        for (Queue& queue : queues_)
            threads_.emplace_back([&queue] { queue.run(); });
    }

    ~HomeThreads() override { stop(); }

    [[nodiscard]] ShardIndex shard_count() const override {
        return static_cast<ShardIndex>(queues_.size());
    }

    void post(ShardIndex shard, std::function<void()> work) override {
        queues_[shard].put(std::move(work));
    }

    void post(const ChannelName& channel, std::function<void()> work) {
        post(home_shard(channel, shard_count()), std::move(work));
    }

    /// Runs `work` on the channel's home and waits for it.
    void run(const ChannelName& channel, const std::function<void()>& work) {
        std::mutex mutex;
        std::condition_variable over;
        bool is_over = false;
        post(channel, [&] {
            work();
            const std::lock_guard lock(mutex);
            is_over = true;
            over.notify_one();
        });
        std::unique_lock lock(mutex);
        over.wait(lock, [&] { return is_over; });
    }

    /// Ends the threads after what they have to do now.
    void stop() {
        for (Queue& queue : queues_)
            queue.put(nullptr);
        for (std::thread& thread : threads_)
            thread.join();
        threads_.clear();
    }

private:
    class Queue {
    public:
        void put(std::function<void()> work) {
            const std::lock_guard lock(mutex_);
            work_.push_back(std::move(work));
            filled_.notify_one();
        }

        void run() {
            for (;;) {
                std::unique_lock lock(mutex_);
                filled_.wait(lock, [this] { return !work_.empty(); });
                const std::function<void()> work = std::move(work_.front());
                work_.pop_front();
                lock.unlock();
                if (!work) return;
                work();
            }
        }

    private:
        std::mutex mutex_;
        std::condition_variable filled_;
        std::deque<std::function<void()>> work_;
    };

    std::deque<Queue> queues_;
    std::vector<std::thread> threads_;
};

/// Values that many threads note and the test waits for.
template <class Value>
class Notes {
public:
    void add(Value value) {
        const std::lock_guard lock(mutex_);
        values_.push_back(std::move(value));
        added_.notify_all();
    }

    /// Waits until there are at least `count`; false: they did not come.
    [[nodiscard]] bool wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        return added_.wait_for(lock, kPatience, [&] { return values_.size() >= count; });
    }

    [[nodiscard]] std::vector<Value> all() {
        const std::lock_guard lock(mutex_);
        return values_;
    }

private:
    std::mutex mutex_;
    std::condition_variable added_;
    std::vector<Value> values_;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// A hub whose shards run on real threads, with a loop as the gateway's but for the sockets.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/hub.hpp"
#include "protocol/native.hpp"
#include "util/clock.hpp"

namespace roomcast {

class ThreadedHub {
public:
    ThreadedHub(Broker& broker, PresenceStore& store, ShardIndex shards, Limits limits = {})
        : limits_(limits),
          dialect_(limits_),
          loops_(shards),
          hub_({.limits = limits_,
                .clock = clock_,
                .dialect = dialect_,
                .broker = broker,
                .presence = store,
                .node_id = NodeId{1},
                .node_name = "node-1",
                .server_version = "roomcast/test"},
               shards,
               [this](ShardIndex shard) { loops_[shard].wake(); }) {
        hub_.start();
        for (ShardIndex shard = 0; shard < shards; ++shard) {
            threads_.emplace_back([this, shard] { run(shard); });
        }
    }

    ~ThreadedHub() { stop(); }

    /// Ends the loops, then broker and store. Idempotent.
    void stop() {
        if (std::exchange(is_stopped_, true)) return;
        is_stopping_ = true;
        for (Loop& loop : loops_)
            loop.wake();
        for (std::thread& thread : threads_)
            thread.join();
        hub_.stop();
    }

    [[nodiscard]] Hub& hub() { return hub_; }

    /// Runs `work` on that shard's thread and waits for it; not from within a shard.
    void on_shard(ShardIndex shard, std::function<void(Shard&)> work) {
        std::promise<void> done;
        hub_.post(shard, [&](Shard& on) {
            work(on);
            done.set_value();
        });
        done.get_future().wait();
    }

private:
    class Loop {
    public:
        void wake() {
            const std::lock_guard lock(mutex_);
            is_woken_ = true;
            woken_.notify_one();
        }

        void sleep_until(std::optional<SteadyTime> deadline) {
            std::unique_lock lock(mutex_);
            const auto until =
                deadline.value_or(std::chrono::steady_clock::now() + std::chrono::seconds(1));
            woken_.wait_until(lock, until, [this] { return is_woken_; });
            is_woken_ = false;
        }

    private:
        std::mutex mutex_;
        std::condition_variable woken_;
        bool is_woken_ = false;
    };

    void run(ShardIndex index) {
        Shard& shard = hub_.shard(index);
        while (!is_stopping_) {
            const bool has_more = shard.turn(clock_.steady());
            shard.record_sent(clock_.steady());
            if (!has_more) loops_[index].sleep_until(shard.next_deadline());
        }
    }

    const Limits limits_;
    const NativeDialect dialect_;
    const SystemClock clock_;
    std::deque<Loop> loops_;
    std::atomic<bool> is_stopping_ = false;
    bool is_stopped_ = false;
    Hub hub_;
    std::vector<std::thread> threads_;
};

}  // namespace roomcast

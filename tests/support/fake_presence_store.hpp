// SPDX-License-Identifier: Apache-2.0
// The embedded presence store behind a queue: each call is done, or fails, when the test says so.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "stores/memory.hpp"

namespace roomcast {

/// Single-threaded. With `is_instant` each call is done from within.
class FakePresenceStore final : public PresenceStore {
public:
    FakePresenceStore(const Clock& clock, ShardIndex shard_count, bool is_instant = false)
        : store_(clock, shard_count),
          is_instant_(is_instant) {}

    [[nodiscard]] std::string_view name() const override { return "fake"; }

    [[nodiscard]] bool is_connected() const override { return !is_down_; }

    void start(PresenceSink& sink, Executor& executor) override {
        sink_ = &sink;
        store_.start(sink, executor);
    }

    void stop() override { store_.stop(); }

    void watch(const ChannelName& channel) override { store_.watch(channel); }

    void unwatch(const ChannelName& channel) override { store_.unwatch(channel); }

    void join(const ChannelName& channel,
              const std::string& user,
              MetaText meta,
              PresenceCallback done) override {
        enqueue("join " + user + ' ' + (meta ? *meta : "-"), done, [=, this] {
            store_.join(channel, user, meta, done);
        });
    }

    void update(const ChannelName& channel,
                const std::string& user,
                MetaText meta,
                PresenceCallback done) override {
        enqueue("update " + user + ' ' + (meta ? *meta : "-"), done, [=, this] {
            store_.update(channel, user, meta, done);
        });
    }

    void leave(const ChannelName& channel,
               const std::string& user,
               PresenceCallback done) override {
        enqueue("leave " + user, done, [=, this] { store_.leave(channel, user, done); });
    }

    void snapshot(const ChannelName& channel, SnapshotCallback done) override {
        enqueue(
            "snapshot",
            [done](Result<void> result) { done(result.error()); },
            [=, this] { store_.snapshot(channel, done); });
    }

    /// Does the first call that waits; false: none does.
    bool do_one() {
        if (calls_.empty()) return false;
        const Call call = std::move(calls_.front());
        calls_.pop_front();
        if (is_down_) {
            call.fail(Errc::unavailable);
        } else {
            call.act();
        }
        return true;
    }

    void do_all() {
        while (do_one()) {
        }
    }

    /// While it is down, calls fail when they are done.
    void set_down(bool is_down) {
        is_down_ = is_down;
        if (sink_) sink_->on_store_state(!is_down, "set by the test");
    }

    void set_instant(bool is_instant) { is_instant_ = is_instant; }

    [[nodiscard]] std::size_t waiting() const { return calls_.size(); }

    /// All calls so far, as "join alice {…}", "leave alice", "snapshot".
    [[nodiscard]] std::vector<std::string> take_log() { return std::exchange(log_, {}); }

    [[nodiscard]] PresenceSink& sink() { return *sink_; }

    /// What another node would do.
    [[nodiscard]] PresenceStore& elsewhere() { return store_; }

private:
    struct Call {
        std::function<void()> act;
        std::function<void(Errc)> fail;
    };

    void enqueue(std::string what, PresenceCallback done, std::function<void()> act) {
        log_.push_back(std::move(what));
        calls_.push_back({std::move(act), [done](Errc error) { done(error); }});
        if (is_instant_) do_one();
    }

    MemoryPresenceStore store_;
    PresenceSink* sink_ = nullptr;
    bool is_instant_;
    bool is_down_ = false;
    std::deque<Call> calls_;
    std::vector<std::string> log_;
};

}  // namespace roomcast

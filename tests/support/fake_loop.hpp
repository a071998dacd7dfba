// SPDX-License-Identifier: Apache-2.0
// A loop whose time a test moves and whose network it plays.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/loop.hpp"

namespace roomcast::test {

/// The far end of one stream. Lives as long as the test likes, longer than the stream itself.
struct FakePeer {
    net::StreamOptions options;
    net::StreamSink* sink = nullptr;  // null: the stream was closed, or has ended
    std::string received;             // since it was last taken

    [[nodiscard]] bool is_open() const { return sink != nullptr; }

    [[nodiscard]] std::string take_received() { return std::exchange(received, {}); }

    void open() const {
        if (sink) sink->on_open();
    }

    void send(std::string_view bytes) const {
        if (sink) sink->on_bytes(bytes);
    }

    void end(std::string_view reason) {
        if (net::StreamSink* const told = std::exchange(sink, nullptr)) told->on_end(reason);
    }
};

class FakeLoop final : public net::Loop {
public:
    void post(std::function<void()> work) override { posted_.push_back(std::move(work)); }

    [[nodiscard]] std::unique_ptr<net::Stream> connect(net::StreamOptions options,
                                                       net::StreamSink& sink) override {
        auto peer = std::make_shared<FakePeer>();
        peer->options = std::move(options);
        peer->sink = &sink;
        peers_.push_back(peer);
        return std::make_unique<FakeStream>(peer);
    }

    [[nodiscard]] TimerQueue& timers() override { return timers_; }

    [[nodiscard]] SteadyTime now() const override { return now_; }

    /// What was posted, and what that posts.
    void run_posted() {
        while (!posted_.empty()) {
            const std::function<void()> work = std::move(posted_.front());
            posted_.pop_front();
            work();
        }
    }

    /// Runs timers in their order, each at its time, and what is posted meanwhile.
    void advance(std::chrono::milliseconds by) {
        run_posted();
        const SteadyTime end = now_ + by;
        for (auto due = timers_.next_due(); due && *due <= end; due = timers_.next_due()) {
            now_ = std::max(now_, *due);
            (void)timers_.run_one(now_);
            run_posted();
        }
        now_ = end;
    }

    /// Far ends of all streams so far, oldest first.
    [[nodiscard]] const std::vector<std::shared_ptr<FakePeer>>& peers() const { return peers_; }

    [[nodiscard]] FakePeer& last_peer() const { return *peers_.back(); }

private:
    class FakeStream final : public net::Stream {
    public:
        explicit FakeStream(std::shared_ptr<FakePeer> peer) : peer_(std::move(peer)) {}

        ~FakeStream() override { peer_->sink = nullptr; }

        FakeStream(const FakeStream&) = delete;
        FakeStream& operator=(const FakeStream&) = delete;

        void write(std::string_view bytes) override { peer_->received.append(bytes); }

        [[nodiscard]] std::size_t unsent_bytes() const override { return 0; }

    private:
        std::shared_ptr<FakePeer> peer_;
    };

    SteadyTime now_{std::chrono::hours(1)};
    TimerQueue timers_;
    std::deque<std::function<void()>> posted_;
    std::vector<std::shared_ptr<FakePeer>> peers_;
};

}  // namespace roomcast::test

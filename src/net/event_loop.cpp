// SPDX-License-Identifier: Apache-2.0
#include "net/event_loop.hpp"

#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <pthread.h>

#include "net/stream.hpp"
#include "util/assert.hpp"
#include "util/mailbox.hpp"

namespace roomcast::net {

namespace {

namespace asio = boost::asio;

/// So many completions at most are handled before the timers have their turn.
constexpr std::size_t kHandlersPerTurn = 64;
constexpr std::size_t kThreadNameBytes = 15;

using Work = std::function<void()>;

}  // namespace

struct EventLoop::Implementation {
    explicit Implementation(const std::string& name)
        : mailbox({0, 0}, [this] { asio::post(io, [this] { run_posted(); }); }),
          timer(io),
          thread([this, name = name.substr(0, kThreadNameBytes)] { run(name); }) {}

    void run(const std::string& name) {
        (void)::pthread_setname_np(::pthread_self(), name.c_str());  // for tools alone
        const auto work = asio::make_work_guard(io);
        while (!io.stopped()) {
            arm_timer();
            is_time_stale = true;
            std::size_t handled = io.run_one();
            while (handled < kHandlersPerTurn && io.poll_one() > 0)
                ++handled;
            is_time_stale = true;
            run_timers();
        }
    }

    void arm_timer() {
        const SteadyTime due = timers.next_due().value_or(SteadyTime::max());
        // A timer that fires too early costs one empty turn; moving it costs a system call.
        if (due >= armed_for) return;
        armed_for = due;
        timer.expires_at(due);
        timer.async_wait([this](const boost::system::error_code& error) {
            if (!error) armed_for = SteadyTime::max();
        });
    }

    void run_timers() {
        // One that sets itself again at once waits for the next turn.
        for (std::size_t left = timers.size(); left > 0 && timers.run_one(current_time()); --left) {
        }
    }

    void run_posted() {
        mailbox.take(taken);
        for (Work& work : taken) {
            if (io.stopped()) break;
            // What it holds is gone before the next one runs.
            std::exchange(work, nullptr)();
        }
        taken.clear();
    }

    SteadyTime current_time() {
        if (std::exchange(is_time_stale, false)) time = std::chrono::steady_clock::now();
        return time;
    }

    asio::io_context io{1};
    TimerQueue timers;
    SteadyTime time = std::chrono::steady_clock::now();
    bool is_time_stale = false;
    SteadyTime armed_for = SteadyTime::max();
    std::vector<Work> taken;
    Mailbox<Work> mailbox;
    asio::steady_timer timer;
    std::thread thread;  // last: it uses all of the above
};

EventLoop::EventLoop(const std::string& name)
    : implementation_(std::make_unique<Implementation>(name)) {}

EventLoop::~EventLoop() {
    implementation_->io.stop();
    implementation_->thread.join();
}

void EventLoop::post(std::function<void()> work) {
    implementation_->mailbox.put_control(std::move(work));
}

std::unique_ptr<Stream> EventLoop::connect(StreamOptions options, StreamSink& sink) {
    return make_stream(implementation_->io, *this, std::move(options), sink);
}

TimerQueue& EventLoop::timers() {
    return implementation_->timers;
}

SteadyTime EventLoop::now() const {
    return implementation_->current_time();
}

void EventLoop::run(const std::function<void()>& work) {
    ASSERT(std::this_thread::get_id() != implementation_->thread.get_id());
    run_and_wait(*this, work);
}

}  // namespace roomcast::net

// SPDX-License-Identifier: Apache-2.0
#include "load/event_loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>

#include <sys/epoll.h>

namespace roomcast::bench {

namespace {

// The roster of ten thousand members is one message.
constexpr std::size_t kReadBytes = 2'097'152;

}  // namespace

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), read_buffer_(kReadBytes) {
    if (epoll_.get() < 0) die("epoll_create1");
}

void EventLoop::watch(int fd, EventSource& source) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &source;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

void EventLoop::poll(Nanoseconds deadline) {
    std::array<epoll_event, 128> events;
    const Nanoseconds wait = std::max<Nanoseconds>(0, deadline - now_ns());
    const timespec timeout{.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
    const int ready = ::epoll_pwait2(
        epoll_.get(), events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    if (ready < 0 && errno != EINTR) die("epoll_pwait2");
    for (int i = 0; i < ready; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        static_cast<EventSource*>(event.data.ptr)->on_ready(event.events);
    }
}

void EventLoop::poll_for(Nanoseconds time) {
    const Nanoseconds end = now_ns() + time;
    while (now_ns() < end)
        poll(end);
}

}  // namespace roomcast::bench

// SPDX-License-Identifier: Apache-2.0
// Wakes a thread that waits for sockets, or for nothing else.
#pragma once

#include <chrono>

namespace roomcast {

class Waker {
public:
    Waker();
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;
    ~Waker();

    /// From any thread.
    void wake() const;

    /// Sleeps until wake(), or for `timeout`.
    void sleep(std::chrono::milliseconds timeout) const { sleep(-1, 0, timeout); }

    /// Sleeps until wake(), until `socket` is ready for `events`, or for `timeout`. A negative
    /// socket is ready for nothing.
    void sleep(int socket, short events, std::chrono::milliseconds timeout) const;

    /// An eventfd: whoever writes a number of eight bytes other than 0 there wakes the thread.
    [[nodiscard]] int event() const { return event_; }

private:
    const int event_;
};

}  // namespace roomcast

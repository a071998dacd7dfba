// SPDX-License-Identifier: Apache-2.0
// One epoll instance, edge-triggered, one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "common/socket.hpp"

namespace roomcast::bench {

class EventSource {
public:
    virtual ~EventSource() = default;
    virtual void on_ready(std::uint32_t events) = 0;
};

class EventLoop {
public:
    EventLoop();

    /// Registers `fd` for reading and writing, once and for all. It leaves by being closed.
    void watch(int fd, EventSource& source);

    /// Waits until something is ready or `deadline` has come, then calls at most a batch of
    /// sources: due publications are late by no more than that. No source may be destroyed
    /// meanwhile, since the batch may still name it.
    void poll(Nanoseconds deadline);

    /// Polls for so long.
    void poll_for(Nanoseconds time);

    /// One buffer for all clients: they take turns, and an idle one should cost nothing.
    [[nodiscard]] std::vector<char>& read_buffer() { return read_buffer_; }

    /// Reads so far, to tell how many messages came in one.
    [[nodiscard]] std::uint64_t reads() const { return reads_; }

    void count_read() { ++reads_; }

private:
    UniqueFd epoll_;
    std::vector<char> read_buffer_;
    std::uint64_t reads_ = 0;
};

}  // namespace roomcast::bench

// SPDX-License-Identifier: Apache-2.0
// Plain loopback TCP sockets, shared by the load generator and the floor.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace roomcast::bench {

using Nanoseconds = std::int64_t;

/// CLOCK_MONOTONIC in nanoseconds.
[[nodiscard]] inline Nanoseconds now_ns() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

[[nodiscard]] constexpr double to_seconds(Nanoseconds time) {
    return static_cast<double>(time) / 1e9;
}

[[nodiscard]] constexpr Nanoseconds from_seconds(double seconds) {
    return static_cast<Nanoseconds>(seconds * 1e9);
}

/// Writes "bench: `what`: reason of errno" and ends the program with status 2: set-up failed.
[[noreturn]] void die(std::string_view what);

/// The same without a reason of errno.
[[noreturn]] void give_up(std::string_view why);

/// Owns a file descriptor.
class UniqueFd {
public:
    UniqueFd() = default;

    explicit UniqueFd(int fd) : fd_(fd) {}

    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

    UniqueFd& operator=(UniqueFd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }

    ~UniqueFd();

    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_ = -1;
};

/// A non-blocking listener on 127.0.0.1, on a port that the system picks.
[[nodiscard]] UniqueFd listen_on_loopback();
[[nodiscard]] std::uint16_t local_port(int fd);

/// Starts a non-blocking connect to 127.0.0.1:`port`; writable means that it is decided.
[[nodiscard]] UniqueFd start_connect(std::uint16_t port);
/// The pending error of a socket (SO_ERROR); 0 is none.
[[nodiscard]] int pending_error(int fd);

void set_no_delay(int fd);
/// Makes close() send RST: no TIME_WAIT is left behind by ten thousand connections.
void set_reset_on_close(int fd);

/// Allows as many open files as the hard limit does.
void raise_file_limit();

}  // namespace roomcast::bench

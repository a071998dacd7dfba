// SPDX-License-Identifier: Apache-2.0
// A bad network between a client and a server on loopback, under the test's control.
#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/child_process.hpp"

namespace roomcast::test {

/// Forwards connections to a port of 127.0.0.1, on a thread of its own. Its functions may be called
/// from any other thread; each returns when it has taken effect.
class TcpProxy {
public:
    explicit TcpProxy(std::uint16_t target_port)
        : target_port_(target_port),
          port_(free_port()),
          wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        listen();
        thread_ = std::thread([this] { run(); });
    }

    TcpProxy(const TcpProxy&) = delete;
    TcpProxy& operator=(const TcpProxy&) = delete;

    ~TcpProxy() {
        change([this] { is_stopping_ = true; });
        thread_.join();
        cut_all();
        if (listener_ >= 0) ::close(listener_);
        ::close(wake_);
    }

    /// Where clients connect.
    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// Refuses new connections, or takes them again. Those that exist go on.
    void refuse(bool is_refusing) {
        change([&] {
            if (is_refusing && listener_ >= 0) ::close(std::exchange(listener_, -1));
            if (!is_refusing && listener_ < 0) listen();
        });
    }

    /// Resets all connections, on both sides.
    void cut() {
        change([this] { cut_all(); });
    }

    /// Keeps all connections and takes new ones, but forwards nothing: what arrives waits for the
    /// end of it.
    void black_hole(bool is_black_hole) {
        change([&] { is_black_hole_ = is_black_hole; });
    }

    /// Holds back each byte so long in each direction, from now on. Zero: no more.
    void delay(std::chrono::milliseconds time) {
        change([&] { delay_ = time; });
    }

    /// Connections that exist.
    [[nodiscard]] std::size_t connections() const {
        const std::lock_guard lock(mutex_);
        return pipes_.size();
    }

    /// Connections so far.
    [[nodiscard]] std::size_t accepted() const {
        const std::lock_guard lock(mutex_);
        return accepted_;
    }

    /// Bytes forwarded so far.
    [[nodiscard]] std::uint64_t bytes_to_server() const {
        const std::lock_guard lock(mutex_);
        return forwarded_[0];
    }

    [[nodiscard]] std::uint64_t bytes_to_client() const {
        const std::lock_guard lock(mutex_);
        return forwarded_[1];
    }

private:
    using Time = std::chrono::steady_clock::time_point;

    static constexpr std::size_t kHeldBytes = 1'048'576;

    struct Chunk {
        Time due;
        std::string bytes;  // empty: the sender has ended
    };

    /// Pipe::sockets[0] is the client's. Direction `d` reads from sockets[d], writes to
    /// sockets[1-d].
    struct Pipe {
        std::array<int, 2> sockets;
        std::array<std::deque<Chunk>, 2> held = {};
        std::array<std::size_t, 2> held_bytes = {};
        std::array<bool, 2> has_ended = {};  // the sender of that direction
        std::array<bool, 2> is_shut = {};    // and the receiver has been told
        bool is_broken = false;
    };

    /// Lets the thread apply it: a socket closed by another would live on in the thread's poll().
    void change(std::function<void()> apply) {
        std::unique_lock lock(mutex_);
        applied_.wait(lock, [this] { return !change_; });  // another thread's turn
        change_ = std::move(apply);
        const std::uint64_t one = 1;
        (void)!::write(wake_, &one, sizeof one);  // full: it is awake already
        applied_.wait(lock, [this] { return !change_; });
    }

    void listen() {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        const int one = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        const sockaddr_in address = loopback(port_);
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener_, 64) != 0) {
            throw std::runtime_error("the proxy cannot listen");
        }
    }

    static sockaddr_in loopback(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
    }

    // The thread. It holds the lock whenever it does not sleep.

    void run() {
        std::unique_lock lock(mutex_);
        while (!is_stopping_) {
            std::vector<pollfd> waits = what_to_wait_for();
            const int timeout_ms = time_to_sleep();
            lock.unlock();
            ::poll(waits.data(), waits.size(), timeout_ms);
            lock.lock();
            std::uint64_t ignored = 0;
            (void)!::read(wake_, &ignored, sizeof ignored);  // empty: woken by a socket or by time
            apply_change();
            accept_all();
            for (Pipe& pipe : pipes_)
                forward(pipe);
            remove_ended();
        }
    }

    void apply_change() {
        if (!change_) return;
        change_();
        change_ = nullptr;
        applied_.notify_all();
    }

    [[nodiscard]] std::vector<pollfd> what_to_wait_for() const {
        std::vector<pollfd> waits = {{wake_, POLLIN, 0}};
        if (listener_ >= 0) waits.push_back({listener_, POLLIN, 0});
        if (is_black_hole_) return waits;
        for (const Pipe& pipe : pipes_) {
            for (std::size_t side = 0; side < 2; ++side) {
                int events = 0;
                if (wants_to_read(pipe, side)) events |= POLLIN;
                if (has_due(pipe, 1 - side)) events |= POLLOUT;
                if (events != 0) {
                    waits.push_back({pipe.sockets[side], static_cast<short>(events), 0});
                }
            }
        }
        return waits;
    }

    static bool wants_to_read(const Pipe& pipe, std::size_t direction) {
        return !pipe.has_ended[direction] && pipe.held_bytes[direction] < kHeldBytes;
    }

    static bool has_due(const Pipe& pipe, std::size_t direction) {
        const auto& held = pipe.held[direction];
        return !held.empty() && held.front().due <= std::chrono::steady_clock::now();
    }

    /// Until the next held chunk is due.
    [[nodiscard]] int time_to_sleep() const {
        if (is_black_hole_) return -1;
        std::optional<Time> next;
        const Time now = std::chrono::steady_clock::now();
        for (const Pipe& pipe : pipes_) {
            for (const auto& held : pipe.held) {
                // What is due waits for its socket, not for the time.
                if (!held.empty() && held.front().due > now &&
                    (!next || held.front().due < *next)) {
                    next = held.front().due;
                }
            }
        }
        if (!next) return -1;
        const auto rest = std::chrono::ceil<std::chrono::milliseconds>(*next - now);
        return static_cast<int>(rest.count());
    }

    void accept_all() {
        while (listener_ >= 0) {
            const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (client < 0) return;
            ++accepted_;
            const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            const sockaddr_in address = loopback(target_port_);
            Pipe pipe{.sockets = {client, server}};
            // A refusal shows when the socket is read.
            (void)::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address);
            const int one = 1;
            for (const int socket : pipe.sockets)
                ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            pipes_.push_back(std::move(pipe));
        }
    }

    void forward(Pipe& pipe) {
        if (is_black_hole_) return;
        for (std::size_t direction = 0; direction < 2; ++direction) {
            if (wants_to_read(pipe, direction)) read_from(pipe, direction);
            while (!pipe.is_broken && has_due(pipe, direction) && write_front(pipe, direction)) {
            }
        }
    }

    void read_from(Pipe& pipe, std::size_t direction) const {
        std::array<char, 65'536> bytes;
        const auto size = ::recv(pipe.sockets[direction], bytes.data(), bytes.size(), 0);
        // EAGAIN also while it is still connecting.
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size < 0) {
            pipe.is_broken = true;
            return;
        }
        pipe.has_ended[direction] = size == 0;
        pipe.held_bytes[direction] += static_cast<std::size_t>(size);
        pipe.held[direction].push_back({std::chrono::steady_clock::now() + delay_,
                                        std::string(bytes.data(), static_cast<std::size_t>(size))});
    }

    /// False when the receiver takes no more for now.
    bool write_front(Pipe& pipe, std::size_t direction) {
        std::string& bytes = pipe.held[direction].front().bytes;
        const int receiver = pipe.sockets[1 - direction];
        if (bytes.empty()) {
            pipe.is_shut[direction] = ::shutdown(receiver, SHUT_WR) == 0;
            pipe.is_broken = !pipe.is_shut[direction];
        } else {
            const auto size = ::send(receiver, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (size < 0) {
                pipe.is_broken = errno != EAGAIN && errno != EINTR;
                return false;
            }
            forwarded_[direction] += static_cast<std::uint64_t>(size);
            pipe.held_bytes[direction] -= static_cast<std::size_t>(size);
            bytes.erase(0, static_cast<std::size_t>(size));
            if (!bytes.empty()) return false;
        }
        pipe.held[direction].pop_front();
        return true;
    }

    void remove_ended() {
        pipes_.remove_if([](const Pipe& pipe) {
            if (!pipe.is_broken && !(pipe.is_shut[0] && pipe.is_shut[1])) return false;
            close_pipe(pipe, pipe.is_broken);
            return true;
        });
    }

    void cut_all() {
        for (const Pipe& pipe : pipes_)
            close_pipe(pipe, true);
        pipes_.clear();
    }

    static void close_pipe(const Pipe& pipe, bool is_reset) {
        const linger at_once{1, 0};  // closing sends RST instead of FIN
        for (const int socket : pipe.sockets) {
            if (is_reset) ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            ::close(socket);
        }
    }

    const std::uint16_t target_port_;
    const std::uint16_t port_;
    const int wake_;
    mutable std::mutex mutex_;  // guards all that follows
    std::condition_variable applied_;
    std::function<void()> change_;  // null: none waits
    int listener_ = -1;
    std::list<Pipe> pipes_;
    std::array<std::uint64_t, 2> forwarded_ = {};
    std::size_t accepted_ = 0;
    std::chrono::milliseconds delay_{0};
    bool is_black_hole_ = false;
    bool is_stopping_ = false;
    std::thread thread_;
};

}  // namespace roomcast::test

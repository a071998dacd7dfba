// SPDX-License-Identifier: Apache-2.0
// A stream of the bus thread's loop and what it has told, for tests with real sockets.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/event_loop.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/echo_peer.hpp"
#include "tests/support/loopback_socket.hpp"

namespace roomcast::net {

inline constexpr std::chrono::seconds kPatience{60};

/// A stream and what its sink was told. The hooks run on the loop, within the sink's calls.
class Conversation final : public StreamSink {
public:
    explicit Conversation(EventLoop& loop) : loop_(loop) {}

    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    ~Conversation() override { drop(); }

    void open(StreamOptions options) {
        loop_.run([&] { stream_ = loop_.connect(std::move(options), *this); });
    }

    void drop() {
        loop_.run([&] { stream_.reset(); });
    }

    void write(const std::string& bytes) {
        loop_.run([&] { stream_->write(bytes); });
    }

    void on_open() override {
        record([&] { ++opened_; });
        if (at_open) at_open();
    }

    void on_bytes(std::string_view bytes) override {
        record([&] { received_ += bytes; });
        if (at_bytes) at_bytes();
    }

    void on_end(std::string_view reason) override {
        record([&] { endings_.emplace_back(reason); });
        if (at_end) at_end();
    }

    /// True when it has happened within the test's patience.
    [[nodiscard]] bool wait_for_open() {
        return wait([&] { return opened_ > 0; });
    }

    [[nodiscard]] bool wait_for_bytes(std::size_t size) {
        return wait([&] { return received_.size() >= size || !endings_.empty(); }) &&
               received().size() == size;
    }

    /// The reason, or "none".
    [[nodiscard]] std::string wait_for_end() {
        return wait([&] { return !endings_.empty(); }) ? endings().front() : "none";
    }

    [[nodiscard]] int opened() {
        const std::lock_guard lock(mutex_);
        return opened_;
    }

    [[nodiscard]] std::string received() {
        const std::lock_guard lock(mutex_);
        return received_;
    }

    [[nodiscard]] std::vector<std::string> endings() {
        const std::lock_guard lock(mutex_);
        return endings_;
    }

    std::function<void()> at_open;
    std::function<void()> at_bytes;
    std::function<void()> at_end;
    std::unique_ptr<Stream> stream_;  // for the loop alone

private:
    void record(const std::function<void()>& change) {
        const std::lock_guard lock(mutex_);
        change();
        changed_.notify_all();
    }

    bool wait(const std::function<bool()>& is_so) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, kPatience, is_so);
    }

    EventLoop& loop_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int opened_ = 0;
    std::string received_;
    std::vector<std::string> endings_;
};

/// A port of loopback that nobody serves, so long as it exists: one that completes connections
/// (`backlog` of them at once) and never says a word.
class SilentPort {
public:
    explicit SilentPort(int backlog = 16) {
        const auto opened = test::open_loopback_socket(backlog);
        socket_ = opened.socket;
        port_ = opened.port;
    }

    SilentPort(const SilentPort&) = delete;
    SilentPort& operator=(const SilentPort&) = delete;

    ~SilentPort() { ::close(socket_); }

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    int socket_;
    std::uint16_t port_ = 0;
};

/// Bound and not listening: connections are refused, and nobody else takes the port.
inline constexpr int kRefusing = -1;

/// Numbers in words, so that a lost, doubled or misplaced byte shows.
inline std::string pattern(std::size_t size) {
    std::string text;
    text.reserve(size + 16);
    for (std::size_t number = 0; text.size() < size; ++number)
        text += std::to_string(number) + ' ';
    text.resize(size);
    return text;
}

class NetTest : public testing::Test {
protected:
    NetTest() {
        ::signal(SIGPIPE, SIG_IGN);  // the test's TLS server may write to a closed connection
        identity_.write_certificate(trusted_);
    }

    [[nodiscard]] StreamOptions plain(std::uint16_t port) const {
        return {.endpoint = {"127.0.0.1", port}, .connect_deadline = std::chrono::seconds(30)};
    }

    [[nodiscard]] StreamOptions tls(const std::string& host, std::uint16_t port) const {
        return {.endpoint = {host, port},
                .tls = load_tls_trust(trusted_),
                .connect_deadline = std::chrono::seconds(30)};
    }

    const test::TempDir dir_;
    const std::string trusted_ = dir_.file("trusted.pem");
    const test::TlsIdentity identity_{"localhost,IP:127.0.0.1"};
    const test::TlsIdentity stranger_{"stranger.example"};
    EventLoop loop_{"net-test"};
};

}  // namespace roomcast::net

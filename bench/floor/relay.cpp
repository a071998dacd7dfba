// SPDX-License-Identifier: Apache-2.0
#include "floor/relay.hpp"

#include <array>
#include <charconv>
#include <optional>

#include <poll.h>
#include <sys/socket.h>

namespace roomcast::bench {

namespace {

constexpr std::string_view kTopicPrefix = "broadcast.";

UniqueFd connect_to_redis(std::uint16_t port) {
    UniqueFd fd = start_connect(port);
    pollfd wait{.fd = fd.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&wait, 1, 5'000) != 1 || pending_error(fd.get()) != 0) give_up("no Redis there");
    set_no_delay(fd.get());
    return fd;
}

/// All of `bytes`, waiting where the socket is full: Redis always reads.
void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno != EAGAIN) die("send to Redis");
        pollfd wait{.fd = fd, .events = POLLOUT, .revents = 0};
        (void)::poll(&wait, 1, -1);
    }
}

void append_bulk(std::string& out, std::string_view prefix, std::string_view text) {
    out.append("$").append(std::to_string(prefix.size() + text.size())).append("\r\n");
    out.append(prefix).append(text).append("\r\n");
}

/// Takes the number behind `sign` and its line's end off the front. Nothing: it is not all there.
std::optional<std::size_t> take_number(std::string_view& bytes, char sign) {
    const std::size_t end = bytes.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    std::size_t number = 0;
    if (bytes[0] != sign ||
        std::from_chars(bytes.data() + 1, bytes.data() + end, number).ec != std::errc()) {
        give_up("Redis answers something else");
    }
    bytes.remove_prefix(end + 2);
    return number;
}

}  // namespace

RedisRelay::RedisRelay(std::uint16_t port)
    : publisher_(connect_to_redis(port)),
      subscription_(connect_to_redis(port)) {
    send_all(subscription_.get(), "PSUBSCRIBE broadcast.*\r\n");
}

void RedisRelay::publish(std::string_view channel, std::string_view text) {
    out_ += "*3\r\n$7\r\nPUBLISH\r\n";
    append_bulk(out_, kTopicPrefix, channel);
    append_bulk(out_, {}, text);
}

void RedisRelay::flush() {
    if (out_.empty()) return;
    send_all(publisher_.get(), out_);
    out_.clear();
    std::array<char, 65'536> answers;  // how many heard each: of no interest
    while (::recv(publisher_.get(), answers.data(), answers.size(), 0) > 0) {
    }
}

void RedisRelay::read_all(const OnMessage& on_message) {
    std::array<char, 262'144> buffer;
    for (;;) {
        const ssize_t got = ::recv(subscription_.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) give_up("Redis has closed the connection");
        in_.append(buffer.data(), static_cast<std::size_t>(got));
        in_.erase(0, take(in_, on_message));
    }
}

/// Pushes are arrays: pmessage, pattern, topic, text; the one of the subscription has a number
/// last.
std::size_t RedisRelay::take(std::string_view bytes, const OnMessage& on_message) {
    const std::size_t size = bytes.size();
    std::size_t used = 0;
    while (!bytes.empty()) {
        std::array<std::string_view, 4> parts;
        const auto count = take_number(bytes, '*');
        if (!count) return used;
        for (std::size_t i = 0; i < *count; ++i) {
            if (!bytes.empty() && bytes[0] == ':') {
                if (!take_number(bytes, ':')) return used;
                continue;
            }
            const auto length = take_number(bytes, '$');
            if (!length || bytes.size() < *length + 2) return used;
            parts.at(i) = bytes.substr(0, *length);
            bytes.remove_prefix(*length + 2);
        }
        if (parts[0] == "pmessage") on_message(parts[2].substr(kTopicPrefix.size()), parts[3]);
        used = size - bytes.size();
    }
    return used;
}

}  // namespace roomcast::bench

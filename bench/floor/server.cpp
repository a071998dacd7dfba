// SPDX-License-Identifier: Apache-2.0
#include "floor/server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace roomcast::bench {

namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string accept_value(std::string_view key) {
    const std::string text = std::string(key).append(kGuid);
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::array<unsigned char, 32> encoded{};
    const int size =
        ::EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
    return {reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(size)};
}

/// The text between `before` and `after`; empty when it is not there.
std::string_view between(std::string_view text, std::string_view before, std::string_view after) {
    const std::size_t start = text.find(before);
    if (start == std::string_view::npos) return {};
    text.remove_prefix(start + before.size());
    return text.substr(0, text.find(after));
}

/// The value of the field "channel".
std::string_view channel_name(std::string_view text) {
    return between(text, R"("channel":")", R"(")");
}

void append_text_frame(std::string& out, std::string_view text) {
    out += '\x81';
    if (text.size() < 126) {
        out += static_cast<char>(text.size());
    } else {
        out += '\x7e';
        out += static_cast<char>(text.size() >> 8);
        out += static_cast<char>(text.size() & 0xff);
    }
    out += text;
}

}  // namespace

FloorServer::FloorServer(Sender& sender, RedisRelay* relay)
    : sender_(sender),
      relay_(relay),
      listener_(listen_on_loopback()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      buffer_(262'144) {
    std::signal(SIGPIPE, SIG_IGN);
    watch(listener_.get(), EPOLLIN, nullptr);
    if (relay_) watch(relay_->fd(), EPOLLIN, relay_);
}

void FloorServer::watch(int fd, std::uint32_t events, void* who) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = who;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

void FloorServer::run() {
    std::array<epoll_event, 256> events;
    for (;;) {
        const int ready =
            ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < ready; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.ptr == nullptr) {
                accept_all();
            } else if (event.data.ptr == relay_) {
                relay_->read_all([this](std::string_view channel, std::string_view text) {
                    send_to(channels_[std::string(channel)], text);
                });
            } else {
                on_ready(*static_cast<Connection*>(event.data.ptr), event.events);
            }
        }
        send_published();
        if (relay_) relay_->flush();
        dropped_.clear();
    }
}

void FloorServer::accept_all() {
    for (;;) {
        auto connection = std::make_unique<Connection>();
        connection->fd =
            UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (connection->fd.get() < 0) return;
        set_no_delay(connection->fd.get());
        connection->outlet.fd = connection->fd.get();
        watch(connection->fd.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, connection.get());
        (void)connection.release();  // owned by its registration until drop()
    }
}

void FloorServer::on_ready(Connection& connection, std::uint32_t events) {
    if (connection.fd.get() < 0) return;
    if (events & EPOLLOUT) send_pending(connection.outlet);
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) return drop(connection);
    if (events & EPOLLIN) read(connection);
}

void FloorServer::read(Connection& connection) {
    for (;;) {
        const std::size_t kept = connection.input.copy(buffer_.data(), connection.input.size());
        const std::size_t room = buffer_.size() - kept;
        const ssize_t got = ::recv(connection.fd.get(), buffer_.data() + kept, room, 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) return drop(connection);
        const std::size_t size = kept + static_cast<std::size_t>(got);
        const std::size_t used = take(connection, buffer_.data(), size);
        connection.input.assign(buffer_.data() + used, size - used);
        if (static_cast<std::size_t>(got) < room) return;
    }
}

std::size_t FloorServer::take(Connection& connection, char* bytes, std::size_t size) {
    std::size_t at = 0;
    if (!connection.is_upgraded) {
        const std::string_view head(bytes, size);
        const std::size_t end = head.find("\r\n\r\n");
        if (end == std::string_view::npos) return 0;
        std::string answer =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: ";
        answer += accept_value(between(head, "Sec-WebSocket-Key: ", "\r\n")) + "\r\n\r\n";
        sender_.send({&connection.outlet}, answer);
        sender_.flush();
        connection.is_upgraded = true;
        at = end + 4;
    }
    while (size - at >= 6) {
        std::size_t length = static_cast<unsigned char>(bytes[at + 1]) & 0x7f;
        std::size_t header = 6;
        if (length == 126) {
            if (size - at < 8) break;
            header = 8;
            length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[at + 2])) << 8 |
                     static_cast<unsigned char>(bytes[at + 3]);
        }
        if (size - at < header + length) break;
        char* text = bytes + at + header;
        const char* mask = text - 4;
        for (std::size_t i = 0; i < length; ++i)
            text[i] = static_cast<char>(text[i] ^ mask[i % 4]);
        if ((bytes[at] & 0x0f) == 1) take_message(connection, {text, length});
        at += header + length;
    }
    return at;
}

void FloorServer::take_message(Connection& connection, std::string_view text) {
    if (text.find(R"("type":"broadcast")") != std::string_view::npos) return publish(text);
    if (text.find(R"("type":"subscribe")") != std::string_view::npos) subscribe(connection, text);
}

FloorServer::Channel& FloorServer::channel_of(std::string_view text) {
    return channels_[std::string(channel_name(text))];
}

void FloorServer::subscribe(Connection& connection, std::string_view text) {
    if (connection.channel == nullptr) {
        connection.channel = &channel_of(text);
        connection.channel->members.push_back(&connection.outlet);
    }
    std::string answer;
    append_text_frame(answer, R"({"type":"subscribed","id":1})");
    sender_.send({&connection.outlet}, answer);
    sender_.flush();
}

void FloorServer::unsubscribe(Connection& connection) {
    if (connection.channel == nullptr) return;
    std::erase(connection.channel->members, &connection.outlet);
    connection.channel = nullptr;
}

void FloorServer::publish(std::string_view text) {
    if (relay_) return relay_->publish(channel_name(text), text);
    send_to(channel_of(text), text);
}

void FloorServer::send_to(Channel& channel, std::string_view text) {
    if (channel.frames.empty()) published_.push_back(&channel);
    append_text_frame(channel.frames, text);
    if (!sender_.is_batching()) send_published();
}

void FloorServer::send_published() {
    if (published_.empty()) return;
    for (Channel* channel : published_)
        sender_.send(channel->members, channel->frames);
    sender_.flush();
    for (Channel* channel : published_)
        channel->frames.clear();
    published_.clear();
}

void FloorServer::drop(Connection& connection) {
    unsubscribe(connection);
    connection.fd = UniqueFd();
    dropped_.emplace_back(&connection);
}

}  // namespace roomcast::bench

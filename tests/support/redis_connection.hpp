// SPDX-License-Identifier: Apache-2.0
// What a test itself asks of a Redis server: a blocking client of RESP2, apart from the one under
// test.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace roomcast::test {

/// An answer of a Redis server.
struct RedisReply {
    enum class Kind { text, integer, array, null, error };

    Kind kind = Kind::null;
    std::string text = {};  // of text and error
    std::int64_t integer = 0;
    std::vector<RedisReply> items = {};

    [[nodiscard]] bool is_error() const { return kind == Kind::error; }

    /// All of it on one line, for messages.
    [[nodiscard]] std::string describe() const {
        switch (kind) {
            case Kind::text:
                return text;
            case Kind::integer:
                return std::to_string(integer);
            case Kind::null:
                return "(null)";
            case Kind::error:
                return "(error) " + text;
            case Kind::array:
                break;
        }
        std::string all = "[";
        for (const RedisReply& item : items)
            all += (all.size() > 1 ? ", " : "") + item.describe();
        return all + "]";
    }
};

/// A connection to a port of 127.0.0.1. Each failure is a std::runtime_error.
class RedisConnection {
public:
    /// `patience` is for each read and write.
    explicit RedisConnection(std::uint16_t port, std::chrono::seconds patience = kPatience)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval limit{patience.count(), 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            ::close(socket_);
            throw std::runtime_error("no Redis server on port " + std::to_string(port));
        }
    }

    RedisConnection(const RedisConnection&) = delete;
    RedisConnection& operator=(const RedisConnection&) = delete;

    ~RedisConnection() { ::close(socket_); }

    RedisReply command(const std::vector<std::string>& words) {
        std::string request = "*" + std::to_string(words.size()) + "\r\n";
        for (const std::string& word : words)
            request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
        for (std::size_t sent = 0; sent < request.size();) {
            const auto part =
                ::send(socket_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
            if (part <= 0) throw std::runtime_error("the Redis server does not listen");
            sent += static_cast<std::size_t>(part);
        }
        return read_reply();
    }

    /// The next answer, or message of a subscription.
    RedisReply read_reply() {
        const std::string line = read_line();
        const std::string rest = line.substr(1);
        switch (line.front()) {
            case '+':
                return {.kind = RedisReply::Kind::text, .text = rest};
            case '-':
                return {.kind = RedisReply::Kind::error, .text = rest};
            case ':':
                return {.kind = RedisReply::Kind::integer, .integer = std::stoll(rest)};
            case '$':
                return read_text(std::stoll(rest));
            case '*':
                return read_array(std::stoll(rest));
            default:
                throw std::runtime_error("this is no RESP2: " + line);
        }
    }

private:
    static constexpr std::chrono::seconds kPatience{20};

    RedisReply read_text(std::int64_t size) {
        if (size < 0) return {};
        std::string text = take(static_cast<std::size_t>(size) + 2);
        text.resize(text.size() - 2);
        return {.kind = RedisReply::Kind::text, .text = std::move(text)};
    }

    RedisReply read_array(std::int64_t size) {
        if (size < 0) return {};
        RedisReply array{.kind = RedisReply::Kind::array};
        for (std::int64_t item = 0; item < size; ++item)
            array.items.push_back(read_reply());
        return array;
    }

    std::string read_line() {
        std::size_t end = input_.find("\r\n");
        for (; end == std::string::npos; end = input_.find("\r\n"))
            receive();
        if (end == 0) throw std::runtime_error("this is no RESP2: an empty line");
        std::string line = take(end + 2);
        line.resize(end);
        return line;
    }

    std::string take(std::size_t size) {
        while (input_.size() < size)
            receive();
        std::string taken = input_.substr(0, size);
        input_.erase(0, size);
        return taken;
    }

    void receive() {
        char bytes[16'384];
        const auto size = ::recv(socket_, bytes, sizeof bytes, 0);
        if (size <= 0) throw std::runtime_error("the Redis server does not answer");
        input_.append(bytes, static_cast<std::size_t>(size));
    }

    int socket_;
    std::string input_;
};

}  // namespace roomcast::test

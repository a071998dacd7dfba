// SPDX-License-Identifier: Apache-2.0
// The floor: the least that a server on sockets can do. It upgrades, finds the channel by string
// search, and sends the message as it came to every socket of the channel. It checks nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/socket.hpp"
#include "floor/relay.hpp"
#include "floor/sender.hpp"

namespace roomcast::bench {

class FloorServer {
public:
    /// With a `relay`, what is published is sent when it comes back from there.
    explicit FloorServer(Sender& sender, RedisRelay* relay = nullptr);

    [[nodiscard]] std::uint16_t port() const { return local_port(listener_.get()); }

    [[noreturn]] void run();

private:
    struct Channel {
        std::vector<Outlet*> members;
        std::string frames;  ///< published in this tick
    };

    struct Connection {
        UniqueFd fd;
        Outlet outlet;
        std::string input;  ///< an incomplete head or frame
        bool is_upgraded = false;
        Channel* channel = nullptr;
    };

    void accept_all();
    void on_ready(Connection& connection, std::uint32_t events);
    void read(Connection& connection);
    std::size_t take(Connection& connection, char* bytes, std::size_t size);
    void take_message(Connection& connection, std::string_view text);
    void subscribe(Connection& connection, std::string_view text);
    void unsubscribe(Connection& connection);
    void publish(std::string_view text);
    void send_to(Channel& channel, std::string_view text);
    void send_published();
    void drop(Connection& connection);
    void watch(int fd, std::uint32_t events, void* who);
    Channel& channel_of(std::string_view text);

    Sender& sender_;
    RedisRelay* const relay_;
    UniqueFd listener_;
    UniqueFd epoll_;
    std::unordered_map<std::string, Channel> channels_;
    std::vector<Channel*> published_;
    std::vector<std::unique_ptr<Connection>> dropped_;  ///< of this tick: its events may name them
    std::vector<char> buffer_;
};

}  // namespace roomcast::bench

// SPDX-License-Identifier: Apache-2.0
// Listening sockets: opening them, and accepting from one on a shard's loop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "gateway/options.hpp"
#include "util/result.hpp"

namespace roomcast {

class ShardLoop;

/// Sockets that listen on one port, each with SO_REUSEPORT: the kernel spreads connections over
/// them.
struct ListeningSockets {
    std::vector<int> sockets;
    std::string address;  // "127.0.0.1:8080": with the port that the system picked
};

/// Opens `count` listening sockets on `address`. The error is a sentence: a port in use, an unknown
/// host. A plain socket is bound first: SO_REUSEPORT alone would let a second server steal half of
/// the connections of a first one.
[[nodiscard]] Outcome<ListeningSockets, std::string> open_listeners(const ListenAddress& address,
                                                                    std::size_t count);

/// Accepts connections from one listening socket and hands them to its loop.
class Listener {
public:
    Listener(ShardLoop& loop, int socket, bool is_operator_listener);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

private:
    void arm();
    void on_acceptable();
    /// Out of file descriptors: refuses one connection with the descriptor kept for that, and
    /// rests.
    void on_descriptors_exhausted();

    ShardLoop& loop_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer rest_;
    const bool is_operator_listener_;
    int reserve_;  // an open descriptor that can be given up
};

}  // namespace roomcast

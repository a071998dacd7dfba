// SPDX-License-Identifier: Apache-2.0
// Sockets of a test's own on 127.0.0.1.
#pragma once

#include <cstdint>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace roomcast::test {

/// What the caller closes.
struct LoopbackSocket {
    int socket;
    std::uint16_t port;
};

/// A TCP socket on a port that the system picks. It listens, unless `backlog` is negative.
inline LoopbackSocket open_loopback_socket(int backlog) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(socket, any, size) != 0 || ::getsockname(socket, any, &size) != 0 ||
        (backlog >= 0 && ::listen(socket, backlog) != 0)) {
        throw std::runtime_error("cannot listen");
    }
    return {socket, ntohs(address.sin_port)};
}

}  // namespace roomcast::test

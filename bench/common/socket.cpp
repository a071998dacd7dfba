// SPDX-License-Identifier: Apache-2.0
#include "common/socket.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace roomcast::bench {

namespace {

sockaddr_in loopback_address(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

UniqueFd make_socket() {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) die("socket");
    return fd;
}

}  // namespace

void die(std::string_view what) {
    std::string why(what);
    give_up(why.append(": ").append(std::generic_category().message(errno)));
}

void give_up(std::string_view why) {
    std::fprintf(stderr, "bench: %.*s\n", static_cast<int>(why.size()), why.data());
    std::exit(2);  // NOLINT(concurrency-mt-unsafe): these programs have one thread
}

UniqueFd::~UniqueFd() {
    if (fd_ >= 0) ::close(fd_);
}

UniqueFd listen_on_loopback() {
    UniqueFd fd = make_socket();
    const sockaddr_in address = loopback_address(0);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        die("bind");
    }
    // A short backlog would drop SYNs of a storm, which are repeated only after a second.
    if (::listen(fd.get(), 4096) != 0) die("listen");
    return fd;
}

std::uint16_t local_port(int fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) die("getsockname");
    return ntohs(address.sin_port);
}

UniqueFd start_connect(std::uint16_t port) {
    UniqueFd fd = make_socket();
    set_no_delay(fd.get());
    const sockaddr_in address = loopback_address(port);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS) {
        die("connect");
    }
    return fd;
}

int pending_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}

void set_no_delay(int fd) {
    const int on = 1;
    if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) die("TCP_NODELAY");
}

void set_reset_on_close(int fd) {
    const linger reset{.l_onoff = 1, .l_linger = 0};
    if (::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0) die("SO_LINGER");
}

void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) die("setrlimit");
}

}  // namespace roomcast::bench

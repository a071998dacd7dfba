// SPDX-License-Identifier: Apache-2.0
#include "gateway/listener.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/shard_loop.hpp"
#include "util/log.hpp"

namespace roomcast {

namespace {

// Many clients that come at once must not wait for a repeated SYN (1 s).
constexpr int kBacklog = 4096;
constexpr int kMaxAcceptsPerTurn = 64;
// What the kernel holds unsent for a slow reader, beyond what is under way: the rest stays in the
// outbox, where it is counted and bounded.
constexpr int kUnsentBytes = 131'072;
constexpr std::chrono::milliseconds kRest{100};

struct AddressText {
    std::string host;
    std::uint16_t port;
};

AddressText to_text(const sockaddr_storage& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return {text.data(), ntohs(v4.sin_port)};
    }
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
    return {text.data(), ntohs(v6.sin6_port)};
}

std::string join(const AddressText& address) {
    const bool is_v6 = address.host.find(':') != std::string::npos;
    return (is_v6 ? '[' + address.host + ']' : address.host) + ':' + std::to_string(address.port);
}

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Outcome<AddressList, std::string> resolve(const ListenAddress& address) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(address.port);
    const char* host = address.host.empty() ? nullptr : address.host.c_str();
    if (const int failed = ::getaddrinfo(host, port.c_str(), &hints, &found); failed != 0) {
        return address.host + ": " + ::gai_strerror(failed);
    }
    return AddressList(found, &::freeaddrinfo);
}

void set(int socket, int level, int option, int value) {
    // An option that the kernel does not know costs speed, not correctness.
    (void)::setsockopt(socket, level, option, &value, sizeof value);
}

std::error_code last_error() {
    return {errno, std::generic_category()};
}

/// A bound socket.
Outcome<int, std::error_code> bind_socket(const sockaddr_storage& address,
                                          socklen_t size,
                                          bool is_shared) {
    const int socket =
        ::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (socket < 0) return last_error();
    set(socket, SOL_SOCKET, SO_REUSEADDR, 1);
    if (is_shared) set(socket, SOL_SOCKET, SO_REUSEPORT, 1);
    // ":8080" means every address, IPv4 too.
    if (address.ss_family == AF_INET6) set(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    // Accepted sockets inherit these: no system call for each connection.
    set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytes);
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
        const std::error_code failed = last_error();
        ::close(socket);
        return failed;
    }
    return socket;
}

struct Candidate {
    sockaddr_storage address{};
    socklen_t size = 0;
};

/// The addresses to try: for "every address" IPv6, which takes IPv4 in, before IPv4 alone.
std::vector<Candidate> order(const addrinfo* found) {
    std::vector<Candidate> candidates;
    for (const int family : {AF_INET6, AF_INET}) {
        for (const addrinfo* one = found; one; one = one->ai_next) {
            if (one->ai_family != family) continue;
            Candidate candidate;
            std::memcpy(&candidate.address, one->ai_addr, one->ai_addrlen);
            candidate.size = one->ai_addrlen;
            candidates.push_back(candidate);
        }
    }
    return candidates;
}

/// Opens all sockets on one address. Port 0 is picked by the plain socket.
Outcome<ListeningSockets, std::error_code> open_on(Candidate candidate, std::size_t count) {
    const auto plain = bind_socket(candidate.address, candidate.size, false);
    if (!plain) return plain.error();
    ::getsockname(*plain, reinterpret_cast<sockaddr*>(&candidate.address), &candidate.size);
    // A listener without SO_REUSEPORT would refuse; one with it would share: only listening tells.
    const std::error_code failed = ::listen(*plain, 1) == 0 ? std::error_code() : last_error();
    ::close(*plain);
    if (failed) return failed;

    ListeningSockets opened;
    opened.address = join(to_text(candidate.address));
    for (std::size_t i = 0; i < count; ++i) {
        const auto socket = bind_socket(candidate.address, candidate.size, true);
        if (!socket || ::listen(*socket, kBacklog) != 0) {
            const std::error_code error = socket ? last_error() : socket.error();
            for (const int open : opened.sockets)
                ::close(open);
            return error;
        }
        opened.sockets.push_back(*socket);
    }
    return opened;
}

}  // namespace

Outcome<ListeningSockets, std::string> open_listeners(const ListenAddress& address,
                                                      std::size_t count) {
    const auto found = resolve(address);
    if (!found) return found.error();
    std::error_code failed = std::make_error_code(std::errc::address_not_available);
    for (const Candidate& candidate : order(found->get())) {
        auto opened = open_on(candidate, count);
        if (opened) return std::move(*opened);
        failed = opened.error();
        if (failed == std::errc::address_in_use) break;  // falling back to IPv4 would hide it
    }
    return join({address.host, address.port}) + ": " + failed.message();
}

Listener::Listener(ShardLoop& loop, int socket, bool is_operator_listener)
    : loop_(loop),
      acceptor_(loop.io()),
      rest_(loop.io()),
      is_operator_listener_(is_operator_listener),
      reserve_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
    acceptor_.assign(boost::asio::ip::tcp::v6(), socket);
    arm();
}

Listener::~Listener() {
    if (reserve_ >= 0) ::close(reserve_);
}

void Listener::arm() {
    acceptor_.async_wait(boost::asio::ip::tcp::acceptor::wait_read, [this](const auto& error) {
        if (error) return;  // closed: `this` may be gone
        on_acceptable();
    });
}

void Listener::on_acceptable() {
    loop_.refresh_time();
    for (int i = 0; i < kMaxAcceptsPerTurn; ++i) {
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        const int socket = ::accept4(acceptor_.native_handle(),
                                     reinterpret_cast<sockaddr*>(&peer),
                                     &size,
                                     SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket < 0) {
            if (errno == EMFILE || errno == ENFILE) return on_descriptors_exhausted();
            if (errno == ECONNABORTED || errno == EINTR) continue;
            break;
        }
        const AddressText text = to_text(peer);
        loop_.accept(socket, text.host, text.port, is_operator_listener_);
    }
    arm();
}

void Listener::on_descriptors_exhausted() {
    static log::RateLimit limit(1, std::chrono::seconds(10));
    if (limit.admit(loop_.now())) log::error("out of file descriptors: refusing connections");
    if (reserve_ >= 0) {
        ::close(reserve_);
        const int refused = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
        if (refused >= 0) ::close(refused);
        reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    loop_.metrics().connections_refused.add();
    rest_.expires_after(kRest);
    rest_.async_wait([this](const boost::system::error_code& error) {
        if (!error) arm();
    });
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// A server that sends back what it receives, over TCP or TLS: one thread a connection, blocking
// sockets.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/tiny_http_server.hpp"

namespace roomcast::test {

/// Listens on loopback, on a port that the system picks, until it is destroyed. The test must
/// ignore SIGPIPE when it uses TLS.
class EchoPeer {
public:
    struct Options {
        const TlsIdentity* identity = nullptr;  // null: plain TCP
        bool is_ipv6 = false;
        int max_tls_version = 0;  // 0: what OpenSSL allows
    };

    EchoPeer() : EchoPeer(Options{}) {}

    explicit EchoPeer(const Options& options) : context_(nullptr, SSL_CTX_free) {
        if (options.identity) make_context(options);
        listen(options.is_ipv6);
        acceptor_ = std::thread([this] { accept_all(); });
    }

    EchoPeer(const EchoPeer&) = delete;
    EchoPeer& operator=(const EchoPeer&) = delete;

    ~EchoPeer() {
        is_stopping_ = true;
        ::shutdown(listener_, SHUT_RDWR);  // wakes accept()
        acceptor_.join();
        close_connections();
        for (std::thread& thread : threads_)
            thread.join();
        for (const int socket : sockets_)
            ::close(socket);
        ::close(listener_);
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// Ends all connections; new ones are welcome.
    void close_connections() {
        const std::lock_guard lock(mutex_);
        for (const int socket : sockets_)
            ::shutdown(socket, SHUT_RDWR);
    }

    /// Connections so far whose TLS handshake, if any, went well.
    [[nodiscard]] int connections() const { return connections_; }

    /// How often something was received.
    [[nodiscard]] int reads() const { return reads_; }

    /// The server name that the last TLS client asked for; empty: none.
    [[nodiscard]] std::string server_name() const {
        const std::lock_guard lock(mutex_);
        return server_name_;
    }

private:
    void make_context(const Options& options) {
        context_.reset(SSL_CTX_new(TLS_server_method()));
        SSL_CTX_use_certificate(context_.get(), options.identity->certificate());
        SSL_CTX_use_PrivateKey(context_.get(), options.identity->key());
        if (options.max_tls_version == 0) return;
        SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");  // old versions need it
        SSL_CTX_set_min_proto_version(context_.get(), 0);
        SSL_CTX_set_max_proto_version(context_.get(), options.max_tls_version);
    }

    void listen(bool is_ipv6) {
        sockaddr_in6 six{};
        six.sin6_family = AF_INET6;
        six.sin6_addr = in6addr_loopback;
        sockaddr_in four{};
        four.sin_family = AF_INET;
        four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* const any =
            is_ipv6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four);
        socklen_t size = is_ipv6 ? sizeof six : sizeof four;
        listener_ = ::socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::bind(listener_, any, size) != 0 || ::listen(listener_, 64) != 0 ||
            ::getsockname(listener_, any, &size) != 0) {
            ::close(listener_);
            throw std::runtime_error("cannot listen on loopback");
        }
        port_ = ntohs(is_ipv6 ? six.sin6_port : four.sin_port);
    }

    void accept_all() {
        while (!is_stopping_) {
            const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (socket < 0) continue;
            const std::lock_guard lock(mutex_);
            sockets_.push_back(socket);
            threads_.emplace_back([this, socket] { serve(socket); });
        }
    }

    void serve(int socket) {
        std::unique_ptr<SSL, decltype(&SSL_free)> tls(nullptr, SSL_free);
        if (context_) {
            tls.reset(SSL_new(context_.get()));
            SSL_set_fd(tls.get(), socket);
            const bool is_welcome = SSL_accept(tls.get()) == 1;
            const char* const name = SSL_get_servername(tls.get(), TLSEXT_NAMETYPE_host_name);
            const std::lock_guard lock(mutex_);
            server_name_ = name ? name : "";
            if (!is_welcome) {
                ::shutdown(socket, SHUT_RDWR);
                return;
            }
        }
        ++connections_;
        echo(socket, tls.get());
        ::shutdown(socket, SHUT_RDWR);
    }

    void echo(int socket, SSL* tls) {
        std::vector<char> bytes(65'536);
        for (;;) {
            const auto size = tls ? SSL_read(tls, bytes.data(), static_cast<int>(bytes.size()))
                                  : static_cast<int>(::recv(socket, bytes.data(), bytes.size(), 0));
            if (size <= 0) return;
            ++reads_;
            for (int sent = 0; sent < size;) {
                const char* const rest = bytes.data() + sent;
                const auto part =
                    tls ? SSL_write(tls, rest, size - sent)
                        : static_cast<int>(::send(
                              socket, rest, static_cast<std::size_t>(size - sent), MSG_NOSIGNAL));
                if (part <= 0) return;
                sent += part;
            }
        }
    }

    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> is_stopping_ = false;
    std::atomic<int> connections_ = 0;
    std::atomic<int> reads_ = 0;
    mutable std::mutex mutex_;
    std::string server_name_;
    std::vector<int> sockets_;
    std::list<std::thread> threads_;
    std::thread acceptor_;
};

}  // namespace roomcast::test

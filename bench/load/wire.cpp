// SPDX-License-Identifier: Apache-2.0
#include "load/wire.hpp"

#include <cerrno>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

namespace roomcast::bench {

void TlsContext::Free::operator()(SSL_CTX* context) const {
    SSL_CTX_free(context);
}

void Wire::Free::operator()(SSL* connection) const {
    SSL_free(connection);
}

TlsContext::TlsContext() : context_(SSL_CTX_new(TLS_client_method())) {
    if (!context_) give_up("OpenSSL does not start");
    // What waits grows and moves between two attempts to send it.
    SSL_CTX_set_mode(context_.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                         SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);
}

Wire::Wire(std::uint16_t port, const TlsContext* tls) : fd_(start_connect(port)) {
    if (!tls) return;
    tls_.reset(SSL_new(tls->get()));
    if (!tls_ || SSL_set_fd(tls_.get(), fd_.get()) != 1) give_up("OpenSSL makes no connection");
    SSL_set_connect_state(tls_.get());
}

ssize_t Wire::send(std::string_view bytes) {
    if (!tls_) return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ERR_clear_error();
    const int sent = SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
    return sent > 0 ? sent : refuse(sent);
}

ssize_t Wire::receive(std::span<char> into) {
    if (!tls_) return ::recv(fd_.get(), into.data(), into.size(), MSG_DONTWAIT);
    std::size_t got = 0;
    while (got < into.size()) {
        ERR_clear_error();
        const int size =
            SSL_read(tls_.get(), into.data() + got, static_cast<int>(into.size() - got));
        if (size <= 0) return got > 0 ? static_cast<ssize_t>(got) : refuse(size);
        got += static_cast<std::size_t>(size);
    }
    return static_cast<ssize_t>(got);
}

ssize_t Wire::refuse(int result) {
    switch (SSL_get_error(tls_.get(), result)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            errno = EAGAIN;
            return -1;
        case SSL_ERROR_ZERO_RETURN:
            return 0;
        case SSL_ERROR_SYSCALL:
            return -1;
        default:
            errno = EPROTO;
            return -1;
    }
}

void Wire::reset() {
    set_reset_on_close(fd_.get());
    tls_.reset();
    fd_ = UniqueFd();
}

}  // namespace roomcast::bench

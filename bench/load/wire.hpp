// SPDX-License-Identifier: Apache-2.0
// A connection's bytes: straight to a non-blocking socket, or through TLS.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <openssl/types.h>
#include <sys/types.h>

#include "common/socket.hpp"

namespace roomcast::bench {

/// What all TLS clients of a run share. Certificates are not checked: the server's is made for the
/// run.
class TlsContext {
public:
    TlsContext();

    [[nodiscard]] SSL_CTX* get() const { return context_.get(); }

private:
    struct Free {
        void operator()(SSL_CTX* context) const;
    };

    std::unique_ptr<SSL_CTX, Free> context_;
};

class Wire {
public:
    /// Starts to connect; writable means that it is decided. Null: without TLS.
    Wire(std::uint16_t port, const TlsContext* tls);

    [[nodiscard]] int fd() const { return fd_.get(); }

    /// As send() and recv() without waiting, errno included. A short read has emptied the socket.
    /// TLS shakes hands within them: after bytes have come, a send() that waited can go on.
    [[nodiscard]] ssize_t send(std::string_view bytes);
    [[nodiscard]] ssize_t receive(std::span<char> into);

    /// Closes with RST.
    void reset();

private:
    struct Free {
        void operator()(SSL* connection) const;
    };

    [[nodiscard]] ssize_t refuse(int result);

    UniqueFd fd_;
    std::unique_ptr<SSL, Free> tls_;
};

}  // namespace roomcast::bench

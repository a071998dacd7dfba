// SPDX-License-Identifier: Apache-2.0
// Which certificates outgoing connections trust. Only for .cpp files: it includes OpenSSL's
// headers.
#pragma once

#include <memory>
#include <string>

#include <boost/system/error_code.hpp>
#include <openssl/ssl.h>

namespace roomcast::net {

/// OpenSSL's settings of a client. Not changed once made: connections of all threads may use it.
class TlsTrust {
public:
    /// Throws std::runtime_error when `ca_file` cannot be read.
    explicit TlsTrust(const std::string& ca_file);

    /// A connection that passed expect_host(). Null: OpenSSL refuses the host. The caller owns the
    /// result.
    [[nodiscard]] SSL* make_connection(const std::string& host) const;

private:
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
};

/// Lets `connection` accept a certificate for `host` alone, a name or an address. A name is sent
/// (RFC 6066 section 3: not an address). False: OpenSSL refuses the host.
[[nodiscard]] bool expect_host(SSL* connection, const std::string& host);

/// Why the handshake of `connection` failed, for people. Empties this thread's queue of OpenSSL's
/// errors.
[[nodiscard]] std::string handshake_failure(SSL* connection,
                                            const std::string& host,
                                            const boost::system::error_code& error);

/// A reason in the style of this folder: the system's words, in lower case.
[[nodiscard]] std::string describe(const boost::system::error_code& error);

}  // namespace roomcast::net

// SPDX-License-Identifier: Apache-2.0
#include "net/tls_trust.hpp"

#include <array>
#include <stdexcept>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "net/loop.hpp"

namespace roomcast::net {

namespace {

std::string openssl_error() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    return text.data();
}

bool is_end_of_stream(const boost::system::error_code& error) {
    return error == boost::asio::error::eof || error == boost::asio::ssl::error::stream_truncated;
}

}  // namespace

bool expect_host(SSL* connection, const std::string& host) {
    boost::system::error_code not_an_address;
    boost::asio::ip::make_address(host, not_an_address);
    X509_VERIFY_PARAM* rules = SSL_get0_param(connection);
    if (!not_an_address) return X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) == 1;
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(connection, host.c_str()) == 1 &&
           SSL_set_tlsext_host_name(connection, host.c_str()) == 1;
}

TlsTrust::TlsTrust(const std::string& ca_file)
    : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    ERR_clear_error();
    if (!context_) throw std::runtime_error("TLS: " + openssl_error());
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context_.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    const int is_loaded = ca_file.empty()
                              ? SSL_CTX_set_default_verify_paths(context_.get())
                              : SSL_CTX_load_verify_file(context_.get(), ca_file.c_str());
    if (is_loaded != 1) {
        throw std::runtime_error("certificates cannot be read from " +
                                 (ca_file.empty() ? "the system's store" : ca_file) + ": " +
                                 openssl_error());
    }
    ERR_clear_error();  // reading a PEM file leaves "no start line" behind
}

SSL* TlsTrust::make_connection(const std::string& host) const {
    SSL* connection = SSL_new(context_.get());
    if (connection && expect_host(connection, host)) return connection;
    SSL_free(connection);
    ERR_clear_error();
    return nullptr;
}

std::shared_ptr<const TlsTrust> load_tls_trust(const std::string& ca_file) {
    return std::make_shared<const TlsTrust>(ca_file);
}

std::string handshake_failure(SSL* connection,
                              const std::string& host,
                              const boost::system::error_code& error) {
    ERR_clear_error();
    const long verdict = SSL_get_verify_result(connection);
    if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        return "the certificate is not for " + host;
    }
    if (verdict != X509_V_OK) {
        return std::string("the certificate is not trusted: ") +
               X509_verify_cert_error_string(verdict);
    }
    if (is_end_of_stream(error)) return "no TLS connection: the server closed it";
    return "no TLS connection: " + describe(error);
}

std::string describe(const boost::system::error_code& error) {
    if (is_end_of_stream(error)) return "the server closed the connection";
    std::string text = error.message();
    // "Connection refused", but not "SSL ..." or other abbreviations.
    if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z') {
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    }
    return text;
}

}  // namespace roomcast::net

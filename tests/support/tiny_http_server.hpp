// SPDX-License-Identifier: Apache-2.0
// A web server for tests of our client: one thread, blocking sockets, and answers that may be as
// wrong as a test wants them.
#pragma once

#include <atomic>
#include <fstream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/loopback_socket.hpp"

namespace roomcast::test {

/// A key and a certificate that it signed itself, good for one host name.
class TlsIdentity {
public:
    explicit TlsIdentity(const std::string& host)
        : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free),
          certificate_(X509_new(), X509_free) {
        X509* certificate = certificate_.get();
        X509_set_version(certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3'600);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3'600);
        X509_set_pubkey(certificate, key_.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate),
                                   "CN",
                                   MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("test"),
                                   -1,
                                   -1,
                                   0);
        X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
        X509_EXTENSION* names =
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + host).c_str());
        X509_add_ext(certificate, names, -1);
        X509_EXTENSION_free(names);
        X509_sign(certificate, key_.get(), EVP_sha256());
    }

    /// The certificate as PEM, for a client to trust.
    void write_certificate(const std::string& path) const {
        const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new_file(path.c_str(), "w"),
                                                            BIO_free);
        if (!out || PEM_write_bio_X509(out.get(), certificate_.get()) != 1) {
            throw std::runtime_error("cannot write " + path);
        }
    }

    [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }

    [[nodiscard]] X509* certificate() const { return certificate_.get(); }

private:
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
    std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

/// Listens on 127.0.0.1 until it is destroyed. Serves one connection after the other: reads a
/// request's head, sends the answer as it is, closes.
class TinyHttpServer {
public:
    /// With an `identity` it speaks TLS.
    explicit TinyHttpServer(const TlsIdentity* identity = nullptr)
        : context_(nullptr, SSL_CTX_free) {
        if (identity) {
            context_.reset(SSL_CTX_new(TLS_server_method()));
            SSL_CTX_use_certificate(context_.get(), identity->certificate());
            SSL_CTX_use_PrivateKey(context_.get(), identity->key());
        }
        const auto opened = test::open_loopback_socket(64);
        listener_ = opened.socket;
        port_ = opened.port;
        stop_ = ::eventfd(0, EFD_CLOEXEC);
        thread_ = std::thread([this] { serve(); });
    }

    TinyHttpServer(const TinyHttpServer&) = delete;
    TinyHttpServer& operator=(const TinyHttpServer&) = delete;

    ~TinyHttpServer() {
        const std::uint64_t one = 1;
        (void)!::write(stop_, &one, sizeof one);
        thread_.join();
        for (const int socket : held_)
            ::close(socket);
        ::close(listener_);
        ::close(stop_);
    }

    [[nodiscard]] std::string port() const { return std::to_string(port_); }

    /// All bytes of the next answers.
    void set_raw_answer(std::string answer) {
        const std::lock_guard lock(mutex_);
        answer_ = std::move(answer);
    }

    void set_body(const std::string& body) {
        set_raw_answer("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                       "\r\n\r\n" + body);
    }

    /// Requests are read and never answered; their connections stay open.
    void go_silent() { set_raw_answer({}); }

    /// Requests so far, answered or not.
    [[nodiscard]] int requests() const { return requests_; }

    /// The head of the last request.
    [[nodiscard]] std::string last_request() const {
        const std::lock_guard lock(mutex_);
        return last_request_;
    }

private:
    void serve() {
        while (true) {
            pollfd waits[] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
            ::poll(waits, 2, -1);
            if (waits[1].revents != 0) return;
            const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (socket < 0) continue;
            const timeval patience{5, 0};
            ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            if (!converse(socket)) {
                held_.push_back(socket);
            } else {
                ::close(socket);
            }
        }
    }

    /// False when the connection is to stay open.
    bool converse(int socket) {
        std::unique_ptr<SSL, decltype(&SSL_free)> tls(nullptr, SSL_free);
        if (context_) {
            tls.reset(SSL_new(context_.get()));
            SSL_set_fd(tls.get(), socket);
            if (SSL_accept(tls.get()) != 1) return true;
        }
        std::string head;
        while (head.find("\r\n\r\n") == std::string::npos) {
            char bytes[1'024];
            const auto count = tls ? SSL_read(tls.get(), bytes, sizeof bytes)
                                   : static_cast<int>(::recv(socket, bytes, sizeof bytes, 0));
            if (count <= 0) return true;
            head.append(bytes, static_cast<std::size_t>(count));
        }
        std::string answer;
        {
            const std::lock_guard lock(mutex_);
            last_request_ = head;
            answer = answer_;
        }
        ++requests_;
        if (answer.empty()) return false;
        send_all(socket, tls.get(), answer);
        if (tls) SSL_shutdown(tls.get());
        ::shutdown(socket, SHUT_WR);
        char byte;  // wait until the client has closed: a reset would take the answer with it
        while (::recv(socket, &byte, 1, 0) > 0) {
        }
        return true;
    }

    static void send_all(int socket, SSL* tls, const std::string& answer) {
        std::size_t sent = 0;
        while (sent < answer.size()) {
            const char* rest = answer.data() + sent;
            const std::size_t size = answer.size() - sent;
            const auto count = tls ? SSL_write(tls, rest, static_cast<int>(size))
                                   : static_cast<int>(::send(socket, rest, size, MSG_NOSIGNAL));
            if (count <= 0) return;
            sent += static_cast<std::size_t>(count);
        }
    }

    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    int listener_ = -1;
    int stop_ = -1;
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;  // tests set answers while the thread serves
    std::string answer_;
    std::string last_request_;
    std::atomic<int> requests_{0};
    std::vector<int> held_;
    std::thread thread_;
};

}  // namespace roomcast::test

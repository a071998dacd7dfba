// SPDX-License-Identifier: Apache-2.0
#include "gateway/tls.hpp"

#include <array>
#include <cstring>
#include <new>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "util/assert.hpp"

namespace roomcast {

namespace {

std::string openssl_error() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "unknown error";
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    return text.data();
}

/// Chooses http/1.1 where the client offers it: WebSocket over HTTP/2 is not spoken here.
int select_alpn(SSL*,
                const unsigned char** chosen,
                unsigned char* chosen_size,
                const unsigned char* offered,
                unsigned int offered_size,
                void*) {
    static constexpr unsigned char kHttp11[] = "\x08http/1.1";
    unsigned char* selected = nullptr;
    if (SSL_select_next_proto(
            &selected, chosen_size, kHttp11, sizeof kHttp11 - 1, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *chosen = selected;
    return SSL_TLSEXT_ERR_OK;
}

void copy_ticket_keys(SSL_CTX* from, SSL_CTX* to) {
    std::array<unsigned char, 128> keys{};
    const long size = SSL_CTX_get_tlsext_ticket_keys(from, nullptr, 0);
    if (size <= 0 || static_cast<std::size_t>(size) > keys.size()) return;
    if (SSL_CTX_get_tlsext_ticket_keys(from, keys.data(), size) == 1) {
        SSL_CTX_set_tlsext_ticket_keys(to, keys.data(), size);
    }
}

// OpenSSL reads and writes a TlsWire through these, as BIO_meth_new(3) has them. Exceptions do not
// pass through C: without memory for a few kilobytes the process ends.

int read_wire(BIO* bio, char* to, int size) noexcept {
    ByteQueue& queue = static_cast<TlsWire*>(BIO_get_data(bio))->from_peer;
    BIO_clear_retry_flags(bio);
    const std::string_view bytes = queue.bytes().substr(0, static_cast<std::size_t>(size));
    if (bytes.empty()) {
        BIO_set_retry_read(bio);  // "later", not "closed"
        return -1;
    }
    std::memcpy(to, bytes.data(), bytes.size());
    const int taken = static_cast<int>(bytes.size());
    queue.consume(bytes.size());
    return taken;
}

int write_wire(BIO* bio, const char* from, int size) noexcept {
    ByteQueue& queue = static_cast<TlsWire*>(BIO_get_data(bio))->to_peer;
    BIO_clear_retry_flags(bio);
    queue.append({from, static_cast<std::size_t>(size)});
    return size;
}

long control_wire(BIO*, int command, long, void*) noexcept {
    return command == BIO_CTRL_FLUSH ? 1 : 0;  // 0: nothing else is to be had
}

BIO_METHOD* make_wire_method() {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "roomcast wire");
    if (!method) throw std::bad_alloc();
    BIO_meth_set_read(method, read_wire);
    BIO_meth_set_write(method, write_wire);
    BIO_meth_set_ctrl(method, control_wire);
    return method;
}

const BIO_METHOD* wire_method() {
    static const BIO_METHOD* const kMethod = make_wire_method();
    return kMethod;
}

}  // namespace

Outcome<std::shared_ptr<const TlsContext>, std::string> TlsContext::load(
    const std::string& certificate_file, const std::string& key_file, const TlsContext* previous) {
    ERR_clear_error();
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    if (!context) return "TLS: " + openssl_error();
    std::shared_ptr<const TlsContext> owner(new TlsContext(context));

    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    // Idle connections give their record buffers back: half of the memory of a TLS connection.
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                         SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                            SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets alone
    SSL_CTX_set_alpn_select_cb(context, select_alpn, nullptr);

    if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
        return "TLS_CERT_FILE " + certificate_file + ": " + openssl_error();
    }
    if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        return "TLS_KEY_FILE " + key_file + ": " + openssl_error();
    }
    if (SSL_CTX_check_private_key(context) != 1) {
        return "TLS_KEY_FILE " + key_file + " does not fit TLS_CERT_FILE " + certificate_file +
               ": " + openssl_error();
    }
    if (previous) copy_ticket_keys(previous->context_, context);
    return owner;
}

TlsContext::~TlsContext() {
    SSL_CTX_free(context_);
}

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context)
    : context_(std::move(context)),
      ssl_(SSL_new(context_->native())) {
    BIO* bio = BIO_new(wire_method());
    if (!ssl_ || !bio) throw std::bad_alloc();
    BIO_set_data(bio, &wire_);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_accept_state(ssl_);
}

TlsStream::~TlsStream() {
    SSL_free(ssl_);
}

TlsStream::Read TlsStream::read(std::span<char> plain) {
    ERR_clear_error();
    const int got = SSL_read(ssl_, plain.data(), static_cast<int>(plain.size()));
    if (!is_established_) is_established_ = SSL_is_init_finished(ssl_) == 1;
    if (got > 0) return {ReadStatus::bytes, static_cast<std::size_t>(got)};
    switch (SSL_get_error(ssl_, got)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return {ReadStatus::need_more, 0};
        case SSL_ERROR_ZERO_RETURN:
            return {ReadStatus::ended, 0};
        default:
            ERR_clear_error();
            return {ReadStatus::failed, 0};
    }
}

bool TlsStream::write(std::string_view plain) {
    ASSERT(plain.size() <= kMaxRecord);
    ERR_clear_error();
    const int written = SSL_write(ssl_, plain.data(), static_cast<int>(plain.size()));
    if (written == static_cast<int>(plain.size())) return true;
    ERR_clear_error();
    return false;
}

void TlsStream::write_close() {
    ERR_clear_error();
    (void)SSL_shutdown(ssl_);  // one way: the answer is not waited for
    ERR_clear_error();
}

}  // namespace roomcast

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
    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    if (!ssl_ || !in || !out) throw std::bad_alloc();
    BIO_set_mem_eof_return(in, -1);  // an empty buffer means "later", not "closed"
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(ssl_, in, out);
    SSL_set_accept_state(ssl_);
}

TlsStream::~TlsStream() {
    SSL_free(ssl_);
}

void TlsStream::feed(std::string_view ciphertext) {
    const int written =
        BIO_write(SSL_get_rbio(ssl_), ciphertext.data(), static_cast<int>(ciphertext.size()));
    ASSERT(written == static_cast<int>(ciphertext.size()));  // memory grows or aborts
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

std::string_view TlsStream::ciphertext() const {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl_), &bytes);
    return size > 0 ? std::string_view(bytes, static_cast<std::size_t>(size)) : std::string_view();
}

void TlsStream::consume_ciphertext(std::size_t bytes) {
    // A memory BIO is read by moving its start; the bytes themselves go nowhere.
    std::array<char, 4096> sink;
    while (bytes > 0) {
        const int part = static_cast<int>(bytes < sink.size() ? bytes : sink.size());
        const int got = BIO_read(SSL_get_wbio(ssl_), sink.data(), part);
        ASSERT(got == part);
        bytes -= static_cast<std::size_t>(got);
    }
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// TLS for client connections: OpenSSL on memory buffers, so that ciphertext leaves through the same
// batched sends as everything else. The buffers are our own: those of OpenSSL (BIO_s_mem) never
// shrink, so that each connection would hold for good what its largest burst took.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gateway/byte_queue.hpp"
#include "util/result.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace roomcast {

/// A certificate with its key, ready to serve connections. Immutable; may be shared by all threads.
class TlsContext {
public:
    /// Reads PEM files: the certificate chain and its private key. The error names the file and
    /// what is wrong with it. `previous`, if any, hands on its session ticket keys, so that clients
    /// resume over a reload.
    [[nodiscard]] static Outcome<std::shared_ptr<const TlsContext>, std::string> load(
        const std::string& certificate_file,
        const std::string& key_file,
        const TlsContext* previous);

    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    [[nodiscard]] ssl_ctx_st* native() const { return context_; }

private:
    explicit TlsContext(ssl_ctx_st* context) : context_(context) {}

    ssl_ctx_st* context_;
};

/// Ciphertext between OpenSSL and the socket.
struct TlsWire {
    ByteQueue from_peer;
    ByteQueue to_peer;
};

/// One server-side TLS connection without a socket. Bytes of the peer go in through feed(), plain
/// text comes out of read(); write() makes ciphertext, which the owner takes from ciphertext().
class TlsStream {
public:
    explicit TlsStream(std::shared_ptr<const TlsContext> context);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    /// Largest plain text of one record.
    static constexpr std::size_t kMaxRecord = 16'384;

    [[nodiscard]] bool is_established() const { return is_established_; }

    void feed(std::string_view ciphertext) { wire_.from_peer.append(ciphertext); }

    enum class ReadStatus { bytes, need_more, ended, failed };

    struct Read {
        ReadStatus status;
        std::size_t size;
    };

    /// Goes on with the handshake, or decrypts into `plain`. To be repeated until it needs more.
    [[nodiscard]] Read read(std::span<char> plain);
    /// Encrypts as one record; at most kMaxRecord bytes. Only when established.
    [[nodiscard]] bool write(std::string_view plain);
    /// Tells the peer that nothing follows.
    void write_close();

    /// What waits to be sent.
    [[nodiscard]] std::string_view ciphertext() const { return wire_.to_peer.bytes(); }

    void consume_ciphertext(std::size_t bytes) { wire_.to_peer.consume(bytes); }

private:
    TlsWire wire_;  // ssl_ knows its address
    std::shared_ptr<const TlsContext> context_;
    ssl_st* ssl_;
    bool is_established_ = false;
};

}  // namespace roomcast

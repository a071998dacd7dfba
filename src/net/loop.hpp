// SPDX-License-Identifier: Apache-2.0
// What a client of another server needs from the thread it runs on: work from other threads,
// timers, and byte streams. An interface, so that a test can play the network.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "util/clock.hpp"
#include "util/timer_queue.hpp"

namespace roomcast::net {

/// A host name or address (without brackets) and a port.
struct Endpoint {
    std::string host;
    std::uint16_t port = 0;

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// "host:port", with brackets around an IPv6 address.
[[nodiscard]] std::string to_text(const Endpoint& endpoint);

/// What certificates an outgoing TLS connection trusts. Made once, shared by connections.
class TlsTrust;

/// Trusts the certificates of `ca_file` (PEM), or without one those of the system. Throws
/// std::runtime_error when that file cannot be read.
[[nodiscard]] std::shared_ptr<const TlsTrust> load_tls_trust(const std::string& ca_file);

struct StreamOptions {
    Endpoint endpoint;
    /// Null: plain TCP. Else TLS 1.2 or later; the certificate must be for `endpoint.host`.
    std::shared_ptr<const TlsTrust> tls = {};
    /// For name look-up, connection and TLS handshake together.
    std::chrono::milliseconds connect_deadline{2'000};
};

/// Told what happens to a stream. Called on the loop, never from within a call to the stream.
class StreamSink {
public:
    virtual ~StreamSink() = default;
    virtual void on_open() = 0;
    /// `bytes` is valid during the call.
    virtual void on_bytes(std::string_view bytes) = 0;
    /// It could not be opened, or it has ended; `reason` is for people. The last call.
    virtual void on_end(std::string_view reason) = 0;
};

/// One outgoing connection. Its destruction closes it, and nothing is called afterwards; it may be
/// destroyed from within a call of its sink.
class Stream {
public:
    virtual ~Stream() = default;
    /// Queues bytes behind those that wait; one write is in flight at a time and takes all that has
    /// come meanwhile. Before on_open() they wait for it.
    virtual void write(std::string_view bytes) = 0;
    /// Bytes that wait or are in flight.
    [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;
};

/// One thread that owns connections to other servers.
class Loop {
public:
    virtual ~Loop() = default;

    /// Runs `work` on the loop, in the order of the calls. From any thread. What waits when the
    /// loop ends is dropped.
    virtual void post(std::function<void()> work) = 0;

    // On the loop's thread alone:

    [[nodiscard]] virtual std::unique_ptr<Stream> connect(StreamOptions options,
                                                          StreamSink& sink) = 0;
    [[nodiscard]] virtual TimerQueue& timers() = 0;
    /// The time of this turn of the loop.
    [[nodiscard]] virtual SteadyTime now() const = 0;
};

/// Runs `work` on the loop and waits until it is done. From another thread.
void run_and_wait(Loop& loop, const std::function<void()>& work);

}  // namespace roomcast::net

// SPDX-License-Identifier: Apache-2.0
// One connection to one NATS server: the fence around the library cnats, which has threads of its
// own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "brokers/nats_address.hpp"
#include "util/result.hpp"

namespace roomcast {

struct NatsConnectionOptions {
    NatsServer server;
    std::string creds_file = {};  // empty: none
    std::string ca_file = {};     // PEM, trusted beside the certificates of the system; empty: none
    /// For connecting, and again for the server's greeting.
    std::chrono::milliseconds connect_timeout{2'000};
    /// A socket that takes nothing for so long is broken.
    std::chrono::milliseconds write_timeout{500};
    /// Messages of one subject that may wait in the library; more are dropped, and told.
    std::size_t pending_messages = 65'536;
};

/// Its views are valid during the call.
struct NatsMessage {
    std::int64_t subscription;  // of subscribe()
    std::string_view subject;
    std::string_view body;
    bool has_followers;  // more of this subscription wait
};

/// Called on the library's threads, one call at a time for all connections of the process.
class NatsEvents {
public:
    virtual ~NatsEvents() = default;
    virtual void on_message(const NatsMessage& message) = 0;
    /// The library has dropped messages of `subject` since it last said so. Comes before the next
    /// message of that subject.
    virtual void on_dropped(std::string_view subject, std::uint64_t messages) = 0;
    /// The server has complained, and the connection goes on.
    virtual void on_complaint(std::string_view text) = 0;
    /// It has ended.
    virtual void on_closed(std::string_view reason) = 0;
};

struct NatsFailure {
    std::string text;  // for people
    /// Not before somebody acts will it go better: a wrong password, no rights.
    bool is_configuration = false;
    bool is_too_large = false;  // of a message; nothing was sent
};

/// Nothing: it went well.
using NatsProblem = std::optional<NatsFailure>;

/// It never reconnects: what a loss means is for its owner. Used by one thread; each function may
/// block, for as long as is said.
class NatsConnection {
public:
    /// `events` outlives the connection. Blocks for the time of a name look-up and the connect
    /// timeout, but in a TLS handshake for as long as the server likes: the library knows no
    /// deadline there.
    [[nodiscard]] static Outcome<std::unique_ptr<NatsConnection>, NatsFailure> open(
        const NatsConnectionOptions& options, NatsEvents& events);
    /// When it begins, a call of `events` is waited for; none comes afterwards.
    ~NatsConnection();
    NatsConnection(const NatsConnection&) = delete;
    NatsConnection& operator=(const NatsConnection&) = delete;

    // Each blocks for the write timeout at most:

    /// The number of the subscription: another one each time.
    [[nodiscard]] Outcome<std::int64_t, NatsFailure> subscribe(const std::string& subject);
    void unsubscribe(const std::string& subject);
    /// The message is under way at the next flush(), if not before.
    [[nodiscard]] NatsProblem publish(const std::string& subject, std::string_view body);

    /// Waits until the server has handled all that was given before.
    [[nodiscard]] NatsProblem flush(std::chrono::milliseconds timeout);
    /// What the server has last refused for want of rights, if it has, and if nothing else went
    /// wrong since then. Right after a flush() that went well.
    [[nodiscard]] NatsProblem refused() const;

    /// The largest message that the server takes, in bytes.
    [[nodiscard]] std::size_t max_payload() const;

    /// What the library keeps for the calling thread. Last on each thread that uses connections.
    static void release_thread();

private:
    struct Implementation;

    explicit NatsConnection(std::unique_ptr<Implementation> implementation);

    std::unique_ptr<Implementation> implementation_;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// A Redis server, a master found through Sentinel, or a Cluster, as what brokers and stores need:
// commands with exactly one answer, scripts, and subscriptions that outlive connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/resp.hpp"
#include "net/loop.hpp"
#include "redis/address.hpp"
#include "util/result.hpp"

namespace roomcast::redis {

enum class Fault : std::uint8_t {
    not_sent,     // no connection, or too much waits: nothing was done
    interrupted,  // sent, but no answer came in time: it may have been done
    refused,      // the server answered with an error
};

struct Error {
    Fault fault = Fault::not_sent;
    std::string text;  // of `refused` the server's own, which begins with its code: "OOM …"
};

/// Never an error value: those come as Error.
using Reply = Outcome<resp::Value, Error>;
using ReplyCallback = std::function<void(Reply)>;

/// Lua text with its SHA-1, by which EVALSHA names it. Loaded on each new connection before it
/// takes calls, so that scripts and other commands keep their order.
struct Script {
    explicit Script(std::string text);

    std::string text;
    std::string sha1;  // 40 hex digits
};

struct ClientOptions {
    Address address;
    std::shared_ptr<const net::TlsTrust> tls = {};  // set where address.is_tls
    /// Shown by CLIENT LIST.
    std::string name;
    std::vector<const Script*> scripts = {};
    /// In Cluster mode, SPUBLISH and SSUBSCRIBE where the servers have them (Redis 7).
    bool has_sharded_channels = false;
    std::chrono::milliseconds connect_deadline{2'000};  // name, TCP, TLS and greeting together
    std::chrono::milliseconds call_deadline{2'000};     // then the connection is closed
    std::chrono::milliseconds probe_interval{3'000};
    std::chrono::milliseconds longest_pause{5'000};  // between two attempts to connect
    std::size_t pending_calls = 65'536;
    std::size_t pending_bytes = 67'108'864;
    resp::ReaderLimits reader = {};
};

/// Called on the loop, never from within a call to the client except where said so.
class ClientSink {
public:
    virtual ~ClientSink() = default;
    /// Calls can be made, or not any more. `detail` is for people: where it is connected, or why it
    /// is not ("WRONGPASS …", "connection refused"). Told on each change, and again when the reason
    /// for which it is not connected changes.
    virtual void on_state(bool is_connected, std::string_view detail) = 0;
    /// From here on messages of `channel` arrive. `may_have_missed`: they arrived before too, but
    /// not all the time since.
    virtual void on_subscribed(const std::string& channel, bool may_have_missed) = 0;
    virtual void on_message(std::string_view channel, std::string_view payload) = 0;

    /// The server does not give `channel` ("NOPERM …"); it is asked again every two seconds.
    virtual void on_subscribe_refused(const std::string& /*channel*/, std::string_view /*error*/) {}

    /// All that one read has brought was told: a place to hand over a batch.
    virtual void on_batch_end() {}
};

/// What has happened to a client since its start. Read from any thread.
struct ClientFigures {
    std::uint64_t connections_lost = 0;
    std::uint64_t calls_failed = 0;
    std::uint64_t redirects = 0;      // MOVED and ASK
    std::uint64_t probes_missed = 0;  // connections closed because a probe did not come back
    std::uint64_t last_round_trip_us = 0;
};

/// All functions on the loop's thread, but where said otherwise.
///
/// Probes: every probe_interval a message published to a channel of its own must come back within
/// call_deadline, else the connection counts as dead. A client that is not connected tries again
/// after 100 ms to 5 s with jitter (10 s after a wrong password), and answers every call at once
/// with `not_sent`.
class Client {
public:
    virtual ~Client() = default;

    /// Starts connecting. `sink` outlives the client.
    virtual void start(ClientSink& sink) = 0;
    /// Closes all connections. Each pending call is answered with an Error from within; nothing is
    /// called afterwards.
    virtual void stop() = 0;

    [[nodiscard]] virtual bool is_connected() const = 0;

    /// Sends `command` to the server that owns `key` (in Cluster mode; elsewhere there is one).
    /// `done` is called exactly once, from within where it cannot be sent. Calls with one key are
    /// answered and done in order, but for those that a Cluster redirects.
    virtual void call(std::string_view key, resp::Command command, ReplyCallback done) = 0;
    /// EVALSHA of one of options.scripts; the first key decides where it runs. All keys must be of
    /// one slot. Falls back to EVAL where the server has forgotten the script.
    virtual void eval(const Script& script,
                      std::span<const std::string> keys,
                      std::span<const std::string> arguments,
                      ReplyCallback done) = 0;
    /// MULTI, `commands`, EXEC in one piece; the value is the array of their results. An error
    /// among those makes the whole an Error.
    virtual void transaction(std::string_view key,
                             std::vector<resp::Command> commands,
                             ReplyCallback done) = 0;

    /// Publishes on a channel at the server that owns `channel` as a key. The value is the integer
    /// of receivers there.
    virtual void publish(std::string_view channel,
                         std::string_view payload,
                         ReplyCallback done) = 0;
    /// "PUBLISH" or "SPUBLISH": what a script of this client has to call.
    [[nodiscard]] virtual std::string_view publish_command() const = 0;

    /// Wants messages of `channel`, from the server that owns `key`. Idempotent; kept, and renewed
    /// on each new connection, until unsubscribe(). on_subscribed() follows, and again with each
    /// renewal; a repeated subscribe() changes nothing and is not answered anew.
    virtual void subscribe(const std::string& channel, std::string_view key) = 0;
    virtual void unsubscribe(const std::string& channel) = 0;

    /// Closes the connections and opens new ones: for a caller that has seen an answer which a
    /// healthy server would not give.
    virtual void reconnect(std::string_view reason) = 0;

    /// From any thread.
    [[nodiscard]] virtual ClientFigures figures() const = 0;
};

/// Direct, Sentinel or Cluster, as the address says. `loop` outlives the client.
[[nodiscard]] std::unique_ptr<Client> make_client(net::Loop& loop, ClientOptions options);

/// The slot of a key, 0-16383: CRC-16 of the part in braces, or of all of it
/// (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags).
[[nodiscard]] std::uint16_t key_slot(std::string_view key);
/// That part: what a companion of `key` must put in braces to be in its slot.
[[nodiscard]] std::string_view hashed_part(std::string_view key);
/// A text that, between braces, puts any key into the slot of `key`: its hashed part, or where that
/// cannot stand in braces a number.
[[nodiscard]] std::string slot_tag(std::string_view key);

}  // namespace roomcast::redis

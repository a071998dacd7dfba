// SPDX-License-Identifier: Apache-2.0
// One connection to one Redis server, from the greeting to its end: pipelined calls that are each
// answered once, subscriptions on the same connection (RESP3), deadlines and probes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/resp.hpp"
#include "net/loop.hpp"
#include "redis/counters.hpp"
#include "redis/greeting.hpp"
#include "redis/request.hpp"

namespace roomcast::redis {

/// These are answered by pushes, one a channel; only an error comes as an answer.
enum class Verb : std::uint8_t { subscribe, unsubscribe, ssubscribe, sunsubscribe };

/// "SUBSCRIBE", …
[[nodiscard]] std::string_view to_text(Verb verb);

struct ConnectionOptions {
    net::StreamOptions stream;  // its deadline is that of the greeting too
    Greeting greeting;
    std::chrono::milliseconds call_deadline{2'000};
    std::chrono::milliseconds probe_interval{3'000};
    std::size_t pending_calls = 65'536;
    std::size_t pending_bytes = 67'108'864;
    resp::ReaderLimits reader = {};
};

/// For a connection of a client with these options.
[[nodiscard]] ConnectionOptions connection_options(const ClientOptions& options,
                                                   net::Endpoint endpoint,
                                                   ServerKind kind);

/// Why a connection has ended.
struct Loss {
    std::string reason;             // for people
    bool is_configuration = false;  // it will go on until somebody changes a setting
};

/// Told what happens to a connection; never from within a call to it.
class ConnectionSink {
public:
    virtual ~ConnectionSink() = default;
    /// The greeting is over: it takes calls.
    virtual void on_ready() = 0;
    virtual void on_message(std::string_view channel, std::string_view payload) = 0;

    /// Somebody has published `text` on mark_channel().
    virtual void on_mark(std::string_view /*text*/) {}

    /// A channel of subscribe() is confirmed. Not `is_asked`: the server has ended a subscription
    /// by itself (the slot of a sharded channel has moved away).
    virtual void on_confirmed(Verb verb, const std::string& channel, bool is_asked) = 0;
    /// The server wants none of a command of subscribe().
    virtual void on_subscribe_refused(Verb verb,
                                      const std::vector<std::string>& channels,
                                      const std::string& error) = 0;

    /// A call was answered with `error`. True: the sink has taken `request`, and answers it.
    virtual bool on_refused(Request& /*request*/, const std::string& /*error*/) { return false; }

    virtual void on_batch_end() {}

    /// It has ended, and all calls are answered. The last call.
    virtual void on_lost(const Loss& loss) = 0;
};

/// Answers keep the order of the calls. A call that is not answered in time ends the connection:
/// its late answer must never be taken for that of another.
class Connection final : private net::StreamSink, public std::enable_shared_from_this<Connection> {
public:
    /// Starts connecting. `counters` and `sink` outlive it, or close() comes before their end.
    [[nodiscard]] static std::shared_ptr<Connection> open(net::Loop& loop,
                                                          ConnectionOptions options,
                                                          Counters& counters,
                                                          ConnectionSink& sink);
    Connection(net::Loop& loop,
               ConnectionOptions options,
               Counters& counters,
               ConnectionSink& sink);
    ~Connection() override;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Sends `request`, which is answered once; from within when it cannot be sent. A request
    /// without `due` gets the call deadline.
    void send(Request request);
    /// Sends one command for all `channels`, which the sink hears of one by one. Only when ready.
    void subscribe(Verb verb, std::vector<std::string> channels);
    /// Ends it. Each call is answered from within; the sink is not called any more.
    void close(std::string_view reason);

    [[nodiscard]] bool is_ready() const { return is_ready_ && !is_closed_; }

    /// What the server has said of itself; when ready.
    [[nodiscard]] const ServerFacts& server() const { return server_; }

    [[nodiscard]] const net::Endpoint& endpoint() const { return options_.stream.endpoint; }

    /// A channel that this connection alone hears.
    [[nodiscard]] const std::string& mark_channel() const { return probe_channel_; }

private:
    struct Waiting {
        Request request;
        std::uint32_t answers_left = 1;
        std::string error;  // the first one

        // Of subscribe(): confirmations come in the order of the channels.
        std::optional<Verb> verb;
        std::vector<std::string> channels;
        std::size_t confirmed = 0;
    };

    using Problem = std::optional<std::string>;  // why the connection cannot go on

    void on_open() override {}

    void on_bytes(std::string_view bytes) override;
    void on_end(std::string_view reason) override;

    void greet();
    void ask(const resp::Command& command, ReplyCallback done);
    void on_hello(const Reply& reply);
    void on_greeting_answer(std::string_view step, const Reply& reply);
    void become_ready();

    void write(Waiting waiting);
    [[nodiscard]] Problem take(resp::Value value);
    [[nodiscard]] Problem take_push(resp::Value push);
    [[nodiscard]] Problem take_confirmation(Verb verb, const std::string& channel);
    [[nodiscard]] Problem take_reply(resp::Value reply);
    void finish_front(resp::Value reply);
    void finish_subscribe(Waiting finished);
    void finish_call(Request request, std::string error, resp::Value reply);
    void end_hold();

    /// How long the server may take for an answer.
    [[nodiscard]] std::chrono::milliseconds answer_limit() const;
    void arm_deadline(SteadyTime due);
    void on_deadline();
    void probe();
    void on_probe_due();
    void on_probe_part();

    void fail(const Loss& loss);
    void shut(std::string_view reason);
    void answer(Request& request, Error error);

    net::Loop& loop_;
    ConnectionOptions options_;
    Counters& counters_;
    ConnectionSink& sink_;
    std::unique_ptr<net::Stream> stream_;
    resp::Reader reader_;
    ServerFacts server_;
    std::optional<Loss> greeting_problem_;

    std::deque<Waiting> waiting_;  // written, oldest first
    // After a NOSCRIPT: what has to be repeated, and what has come since and stays behind it.
    std::deque<Waiting> repeats_;
    std::deque<Waiting> held_;
    bool is_holding_ = false;

    std::size_t pending_calls_ = 0;
    std::size_t pending_bytes_ = 0;
    TimerId deadline_timer_;
    SteadyTime deadline_armed_for_{};
    TimerId probe_timer_;
    std::string probe_channel_;
    SteadyTime probe_sent_{};
    int probe_parts_ = 0;  // that have not come back yet
    bool is_ready_ = false;
    bool is_closed_ = false;
};

}  // namespace roomcast::redis

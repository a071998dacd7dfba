// SPDX-License-Identifier: Apache-2.0
// One connection to RabbitMQ with one channel, used by one thread: the library waits inside its
// calls.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "brokers/rabbitmq_failure.hpp"
#include "brokers/rabbitmq_library.hpp"
#include "brokers/rabbitmq_options.hpp"
#include "util/result.hpp"

namespace roomcast::rabbitmq {

/// Ends a wait inside the library, from another thread: it shuts the socket, and what waits there
/// fails.
class Breaker {
public:
    Breaker() = default;
    Breaker(const Breaker&) = delete;
    Breaker& operator=(const Breaker&) = delete;
    ~Breaker();

    /// On the connection's thread: `socket` is the one to shut. Replaces an earlier one.
    void arm(int socket);
    void disarm();
    /// From any thread, for good.
    void pull();

private:
    std::mutex mutex_;  // between the connection's thread and whoever pulls
    int socket_ = -1;   // a duplicate: the library closes its own at will
    bool is_pulled_ = false;
};

struct ConnectionOptions {
    Address address;
    std::string ca_file;
    std::string name;  // operators see it
};

class Connection {
public:
    /// Both RabbitMQ and this side give up a connection that has been silent for two of these.
    static constexpr std::chrono::seconds kHeartbeat{2};
    static constexpr std::chrono::seconds kConnectTimeout{2};
    /// For the greeting, and for the answer to each call.
    static constexpr std::chrono::seconds kCallTimeout{5};
    /// So often at least next_frame() must be called: heartbeats are served there.
    static constexpr std::chrono::milliseconds kServeInterval{500};

    /// Connects, logs in and opens the channel. `breaker` outlives the connection.
    [[nodiscard]] static Outcome<std::unique_ptr<Connection>, Failure> open(
        const ConnectionOptions& options, Breaker& breaker);

    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    /// Closes the socket without a word.
    ~Connection();

    /// Says good-bye, for a short time at most.
    void close();
    /// From now on the end of the connection takes back what has not been transmitted yet.
    void reset_at_end() const;

    /// For the library's functions.
    [[nodiscard]] amqp_connection_state_t state() const { return state_; }

    static constexpr amqp_channel_t kChannel = 1;

    [[nodiscard]] int socket() const { return amqp_get_sockfd(state_); }

    /// The next frame that is there; what it points to lives until the next call. A frame that ends
    /// the channel or the connection is a failure.
    [[nodiscard]] Outcome<std::optional<amqp_frame_t>, Failure> next_frame();

    /// What the call just made has come to.
    [[nodiscard]] std::optional<Failure> check_call(std::string_view what) const;
    /// The same for a function that gives a status.
    [[nodiscard]] static std::optional<Failure> check_status(int status, std::string_view what);

private:
    explicit Connection(Breaker& breaker);

    [[nodiscard]] std::optional<Failure> connect(const ConnectionOptions& options);
    [[nodiscard]] std::optional<Failure> log_in(const ConnectionOptions& options);

    Breaker& breaker_;
    amqp_connection_state_t state_;
};

}  // namespace roomcast::rabbitmq

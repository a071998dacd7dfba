// SPDX-License-Identifier: Apache-2.0
// The channels that are wanted from one server, made true on each new connection to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/loop.hpp"
#include "redis/connection.hpp"
#include "util/hash.hpp"

namespace roomcast::redis {

/// Told how subscriptions fare; never from within a call to them.
class SubscriptionsSink {
public:
    virtual ~SubscriptionsSink() = default;
    virtual void on_subscribed(const std::string& channel, bool may_have_missed) = 0;
    /// The server does not give `channel`. It is asked again two seconds later if it is still
    /// wanted.
    virtual void on_subscribe_refused(const std::string& channel, std::string_view error) = 0;
};

/// What is asked for within one turn of the loop goes out together, many channels to a command,
/// and of a channel only what it comes down to.
class Subscriptions {
public:
    Subscriptions(net::Loop& loop, SubscriptionsSink& sink);
    ~Subscriptions();
    Subscriptions(const Subscriptions&) = delete;
    Subscriptions& operator=(const Subscriptions&) = delete;

    /// Does nothing if it is wanted already. `was_live`: its messages came before, from elsewhere.
    void add(const std::string& channel, bool was_live = false);
    /// True: its messages came.
    bool remove(const std::string& channel);
    void clear();

    /// `connection` is ready. It is used until on_disconnected(). `is_sharded`: with SSUBSCRIBE,
    /// whose channels go one to a command.
    void on_connected(Connection& connection, bool is_sharded);
    void on_disconnected();

    // What the connection's sink has heard:
    void on_confirmed(Verb verb, const std::string& channel, bool is_asked);
    void on_refused(const std::vector<std::string>& channels, const std::string& error);

    [[nodiscard]] std::size_t size() const { return channels_.size(); }

    /// Sends what waits for its batch now: a call that follows must not overtake it, so that who
    /// subscribes and then publishes hears the echo.
    void flush();

private:
    struct Channel {
        bool is_wanted = true;
        bool is_asked = false;  // the last command for it was a subscribe
        bool is_live = false;   // confirmed since it is wanted, on this connection
        bool was_live = false;  // confirmed since it is wanted, ever
        bool is_queued = false;
        bool is_alone = false;          // refused together with others: asked for by itself
        std::uint32_t unconfirmed = 0;  // commands for it under way
    };

    using Table = std::unordered_map<std::string, Channel, SeededStringHash, std::equal_to<>>;

    void queue(Table::value_type& entry);
    void send_one_batch();
    void on_answer(Table::iterator found, Verb verb);
    void retry_later(const std::string& channel);

    net::Loop& loop_;
    SubscriptionsSink& sink_;
    Connection* connection_ = nullptr;
    bool is_sharded_ = false;
    Table channels_;
    std::deque<std::string> queue_;     // names of channels whose is_queued is set, and old ones
    std::size_t under_way_ = 0;         // channels in commands under way
    std::vector<std::string> refused_;  // until the timer
    TimerId retry_timer_;
    bool is_flush_posted_ = false;
    std::shared_ptr<Subscriptions*> self_;  // for posted work, which may outlive this
};

}  // namespace roomcast::redis

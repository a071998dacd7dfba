// SPDX-License-Identifier: Apache-2.0
// Asks sentinels where the master is, and listens for its moving
// (https://redis.io/docs/latest/develop/reference/sentinel-clients/).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/backoff.hpp"
#include "net/loop.hpp"
#include "redis/client.hpp"
#include "redis/connection.hpp"

namespace roomcast::redis {

/// Never called from within a call to the finder.
class MasterFinderSink {
public:
    virtual ~MasterFinderSink() = default;
    /// A sentinel names the master: when asked, when it has moved, and when another sentinel took
    /// the place of one that was lost.
    virtual void on_master(const net::Endpoint& master) = 0;
    /// No sentinel could be asked, or none knows the name. It goes on trying.
    virtual void on_no_master(std::string_view reason) = 0;
};

/// Stays connected to one sentinel at a time.
class MasterFinder final : private ConnectionSink {
public:
    /// `options` and `sink` outlive it.
    MasterFinder(net::Loop& loop, const ClientOptions& options, MasterFinderSink& sink);
    ~MasterFinder() override;
    MasterFinder(const MasterFinder&) = delete;
    MasterFinder& operator=(const MasterFinder&) = delete;

    /// One of the sink's functions is called, later.
    void ask();
    /// Not the sentinel that was asked last, if there are others: the master that it named is none.
    void ask_another();
    void stop();

private:
    void on_ready() override;
    void on_message(std::string_view channel, std::string_view payload) override;

    void on_confirmed(Verb /*verb*/, const std::string& /*channel*/, bool /*is_asked*/) override {}

    void on_subscribe_refused(Verb verb,
                              const std::vector<std::string>& channels,
                              const std::string& error) override;
    void on_lost(const Loss& loss) override;

    void begin_round();
    void connect();
    void query();
    void on_answer(const resp::Value& answer);
    void give_up(const std::string& reason);
    void try_next(const std::string& reason);

    net::Loop& loop_;
    const ClientOptions& options_;
    MasterFinderSink& sink_;
    Counters counters_;  // of sentinels: not those of the client
    net::Backoff backoff_;
    std::shared_ptr<Connection> connection_;
    std::size_t current_ = 0;     // of options_.address.endpoints
    std::size_t tries_left_ = 0;  // in this round
    bool has_been_ready_ = false;
    bool is_authenticating_ = false;
    TimerId retry_timer_;
};

}  // namespace roomcast::redis

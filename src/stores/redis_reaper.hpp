// SPDX-License-Identifier: Apache-2.0
// Lets the users of a dead node leave.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "stores/redis_context.hpp"
#include "util/timer_queue.hpp"

namespace roomcast {

/// Reaps one node at a time, as one of several: a claim keeps the others away and expires when its
/// holder dies. Each node is reaped twice, a lease apart: what it wrote while the first pass was
/// under way is caught by the second. Leaves are announced by the script that makes them, so
/// reaping twice tells nothing twice. Bus thread only.
class RedisReaper {
public:
    explicit RedisReaper(RedisPresenceContext& context) : context_(context) {}

    ~RedisReaper();
    RedisReaper(const RedisReaper&) = delete;
    RedisReaper& operator=(const RedisReaper&) = delete;

    /// Takes those that nobody else has claimed when their turn comes.
    void consider(const std::vector<std::string>& nodes);

private:
    /// One pass over the channels of one node.
    struct Pass {
        std::string node;
        std::string claim;
        bool is_second = false;
        std::string cursor = "0";
        std::size_t open_channels = 0;
        std::vector<ChannelName> waiting_channels;
        bool has_failed = false;
    };

    using PassPtr = std::shared_ptr<Pass>;

    void start_next();
    void on_claimed(const std::string& node, redis::Reply& reply);
    void read_channels(const PassPtr& pass);
    void on_channels(const PassPtr& pass, Outcome<RedisPage, redis::Error> page);
    void start_channels(const PassPtr& pass);
    void read_users(const PassPtr& pass, const ChannelName& channel, const std::string& cursor);
    void remove(const PassPtr& pass,
                const ChannelName& channel,
                std::vector<std::string> users,
                const std::string& cursor);
    void on_channel_done(const PassPtr& pass, bool has_failed);
    void renew(const PassPtr& pass);
    void finish(const PassPtr& pass);
    void end(const PassPtr& pass);

    RedisPresenceContext& context_;
    std::deque<std::string> queue_;
    PassPtr current_;
    bool is_busy_ = false;
    TimerId renew_timer_;
};

}  // namespace roomcast

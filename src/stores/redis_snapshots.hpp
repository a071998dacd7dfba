// SPDX-License-Identifier: Apache-2.0
// Reads who is on a channel.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "model/errc.hpp"
#include "stores/presence_store.hpp"
#include "stores/redis_context.hpp"
#include "util/hash.hpp"

namespace roomcast {

/// A few at a time: after a reconnect all channels want one. Up to 1,000 users are read in one
/// atomic step; a larger hash is scanned, so that nobody waits long for Redis, and the snapshot may
/// then hold some events behind its sequence number too: who applies them again in order gets the
/// exact state. Bus thread only.
class RedisSnapshots {
public:
    explicit RedisSnapshots(RedisPresenceContext& context) : context_(context) {}

    /// `done` is called once. Error: unavailable.
    void read(const ChannelName& channel, SnapshotCallback done);

private:
    struct Reading {
        ChannelName channel;
        RedisChannelKeys keys;
        SnapshotCallback done;
        SteadyTime started_at;
        PresenceSnapshot snapshot;
        /// A scan may give a field twice.
        std::unordered_map<std::string, std::size_t, SeededStringHash, std::equal_to<>> positions;
    };

    using ReadingPtr = std::shared_ptr<Reading>;

    void start_next();
    void start(const ReadingPtr& reading);
    void read_at_once(const ReadingPtr& reading);
    void scan(const ReadingPtr& reading, const std::string& cursor);
    void add(Reading& reading, const std::vector<resp::Value>& fields);
    void finish(const ReadingPtr& reading, bool is_done);

    RedisPresenceContext& context_;
    std::deque<ReadingPtr> waiting_;
    std::size_t under_way_ = 0;
    bool is_starting_ = false;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The way from the bus thread to the home shards of the channels.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "brokers/broker.hpp"
#include "model/channel_name.hpp"
#include "model/presence_entry.hpp"
#include "stores/presence_store.hpp"

namespace roomcast {

/// Hands events over in batches and in order. What waits unhandled for one home is bounded, as it
/// is others who send it; answers and marks are not, as this node has asked for them.
/// Bus thread only.
class RedisHomes {
public:
    RedisHomes(PresenceSink& sink,
               Executor& executor,
               std::size_t max_entries,
               std::size_t max_bytes);

    /// False: too much waits for that home, the event is dropped.
    [[nodiscard]] bool try_event(PresenceEvent event);
    /// The home will hear on_lost(), behind the events so far.
    void lost(const ChannelName& channel);
    /// Runs `work` on the home of `channel`, behind the events so far.
    void answer(const ChannelName& channel, std::function<void()> work);
    /// Hands over what has gathered.
    void flush();

private:
    struct Item {
        PresenceEvent event;
        bool is_lost = false;
        std::size_t bytes = 0;
    };

    /// What the home has not handled yet. Outlives the store where the hub drops its work.
    struct Load {
        std::atomic<std::size_t> entries{0};
        std::atomic<std::size_t> bytes{0};
    };

    struct Home {
        std::vector<Item> batch;
        std::shared_ptr<Load> load = std::make_shared<Load>();
    };

    [[nodiscard]] ShardIndex index_of(const ChannelName& channel) const;
    void add(const ChannelName& channel, Item item);
    void flush(ShardIndex shard);

    PresenceSink& sink_;
    Executor& executor_;
    const std::size_t max_entries_;
    const std::size_t max_bytes_;
    std::vector<Home> homes_;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "stores/redis_homes.hpp"

#include <utility>

#include "model/home_shard.hpp"

namespace roomcast {

RedisHomes::RedisHomes(PresenceSink& sink,
                       Executor& executor,
                       std::size_t max_entries,
                       std::size_t max_bytes)
    : sink_(sink),
      executor_(executor),
      max_entries_(max_entries),
      max_bytes_(max_bytes),
      homes_(executor.shard_count()) {}

ShardIndex RedisHomes::index_of(const ChannelName& channel) const {
    return home_shard(channel, static_cast<ShardIndex>(homes_.size()));
}

bool RedisHomes::try_event(PresenceEvent event) {
    const std::size_t bytes = sizeof(Item) + event.entry.user_id.size() +
                              (event.entry.meta ? event.entry.meta->size() : 0);
    const ChannelName channel = event.channel;
    const Load& load = *homes_[index_of(channel)].load;
    if (load.entries.load(std::memory_order_relaxed) >= max_entries_ ||
        load.bytes.load(std::memory_order_relaxed) + bytes > max_bytes_) {
        return false;
    }
    add(channel, {.event = std::move(event), .is_lost = false, .bytes = bytes});
    return true;
}

void RedisHomes::lost(const ChannelName& channel) {
    PresenceEvent mark{.change = PresenceChange::update, .channel = channel, .entry = {}};
    add(channel, {.event = std::move(mark), .is_lost = true, .bytes = sizeof(Item)});
}

void RedisHomes::add(const ChannelName& channel, Item item) {
    Home& home = homes_[index_of(channel)];
    home.load->entries.fetch_add(1, std::memory_order_relaxed);
    home.load->bytes.fetch_add(item.bytes, std::memory_order_relaxed);
    home.batch.push_back(std::move(item));
}

void RedisHomes::answer(const ChannelName& channel, std::function<void()> work) {
    const ShardIndex shard = index_of(channel);
    flush(shard);
    executor_.post(shard, std::move(work));
}

void RedisHomes::flush() {
    for (std::size_t shard = 0; shard < homes_.size(); ++shard)
        flush(static_cast<ShardIndex>(shard));
}

void RedisHomes::flush(ShardIndex shard) {
    Home& home = homes_[shard];
    if (home.batch.empty()) return;
    executor_.post(
        shard, [&sink = sink_, load = home.load, batch = std::exchange(home.batch, {})]() mutable {
            for (Item& item : batch) {
                load->entries.fetch_sub(1, std::memory_order_relaxed);
                load->bytes.fetch_sub(item.bytes, std::memory_order_relaxed);
                if (item.is_lost) {
                    sink.on_lost(item.event.channel);
                } else {
                    sink.on_event(std::move(item.event));
                }
            }
        });
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "stores/redis_snapshots.hpp"

#include <chrono>
#include <cstdlib>
#include <utility>

namespace roomcast {

namespace {

constexpr std::size_t kWindow = 50;
constexpr std::int64_t kMaxAtOnce = 1'000;
constexpr int kUsersPerPage = 1'000;

std::uint64_t to_sequence(const resp::Value& value) {
    return std::strtoull(value.text.c_str(), nullptr, 10);
}

}  // namespace

void RedisSnapshots::read(const ChannelName& channel, SnapshotCallback done) {
    auto reading = std::make_shared<Reading>();
    reading->channel = channel;
    reading->keys = context_.keys_of(channel);
    reading->done = std::move(done);
    waiting_.push_back(std::move(reading));
    start_next();
}

void RedisSnapshots::start_next() {
    // Not from within itself: without a connection each reading is answered at once.
    if (std::exchange(is_starting_, true)) return;
    while (!waiting_.empty() && under_way_ < kWindow) {
        const ReadingPtr reading = std::move(waiting_.front());
        waiting_.pop_front();
        ++under_way_;
        start(reading);
    }
    is_starting_ = false;
}

void RedisSnapshots::start(const ReadingPtr& reading) {
    reading->started_at = context_.loop.now();
    const std::string& key = reading->keys.presence;
    context_.client.call(
        key, resp::Command{"HLEN", key}, [this, reading](const redis::Reply& reply) {
            if (!reply) return finish(reading, false);
            if (reply->integer <= kMaxAtOnce) return read_at_once(reading);
            const std::string& owners = reading->keys.owners;
            context_.client.call(owners,
                                 resp::Command{"HGET", owners, ""},
                                 [this, reading](const redis::Reply& sequence) {
                                     if (!sequence) return finish(reading, false);
                                     reading->snapshot.sequence = to_sequence(*sequence);
                                     scan(reading, "0");
                                 });
        });
}

void RedisSnapshots::read_at_once(const ReadingPtr& reading) {
    context_.client.transaction(reading->keys.presence,
                                {resp::Command{"HGET", reading->keys.owners, ""},
                                 resp::Command{"HGETALL", reading->keys.presence}},
                                [this, reading](const redis::Reply& reply) {
                                    const bool is_done = reply && reply->items.size() == 2;
                                    if (is_done) {
                                        reading->snapshot.sequence = to_sequence(reply->items[0]);
                                        add(*reading, reply->items[1].items);
                                    }
                                    finish(reading, is_done);
                                });
}

void RedisSnapshots::scan(const ReadingPtr& reading, const std::string& cursor) {
    scan_page(context_,
              "HSCAN",
              reading->keys.presence,
              cursor,
              kUsersPerPage,
              [this, reading](const Outcome<RedisPage, redis::Error>& page) {
                  if (!page) return finish(reading, false);
                  add(*reading, page->items);
                  if (page->cursor == "0") return finish(reading, true);
                  scan(reading, page->cursor);
              });
}

void RedisSnapshots::add(Reading& reading, const std::vector<resp::Value>& fields) {
    std::vector<PresenceEntry>& users = reading.snapshot.users;
    users.reserve(users.size() + fields.size() / 2);
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        auto entry = read_redis_value(fields[i].text, fields[i + 1].text);
        if (!entry) {
            context_.counters.unreadable.add();
            continue;
        }
        const auto [found, is_new] = reading.positions.try_emplace(entry->user_id, users.size());
        if (is_new) {
            users.push_back(std::move(*entry));
        } else {
            users[found->second] = std::move(*entry);
        }
    }
}

void RedisSnapshots::finish(const ReadingPtr& reading, bool is_done) {
    using std::chrono::duration_cast, std::chrono::microseconds;
    --under_way_;
    if (is_done) {
        const auto took = duration_cast<microseconds>(context_.loop.now() - reading->started_at);
        context_.counters.snapshots.add();
        context_.counters.snapshot_us.add(static_cast<std::uint64_t>(took.count()));
        reading->done(std::move(reading->snapshot));
    } else {
        reading->done(Errc::unavailable);
    }
    start_next();
}

}  // namespace roomcast

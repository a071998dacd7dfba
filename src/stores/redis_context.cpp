// SPDX-License-Identifier: Apache-2.0
#include "stores/redis_context.hpp"

#include <algorithm>
#include <utility>

#include "stores/redis_scripts.hpp"
#include "util/random.hpp"

namespace roomcast {

namespace {

using std::chrono::milliseconds;

std::string_view word(UpsertKind kind) {
    switch (kind) {
        case UpsertKind::join:
            return "join";
        case UpsertKind::update:
            return "update";
        case UpsertKind::restore:
            break;
    }
    return "restore";
}

Outcome<RedisPage, redis::Error> read_page(redis::Reply& reply) {
    if (!reply) return reply.error();
    if (reply->items.size() != 2) {
        return redis::Error{redis::Fault::refused, "an answer to a scan that is none"};
    }
    return RedisPage{std::move(reply->items[0].text), std::move(reply->items[1].items)};
}

}  // namespace

RedisPresenceTimes::RedisPresenceTimes(Duration presence_ttl)
    : ttl(presence_ttl),
      lease(std::clamp<Duration>(presence_ttl / 2, milliseconds(2'000), milliseconds(30'000))),
      beat(lease / 4),
      own_lease(lease * 7 / 10),
      touch(presence_ttl / 3),
      audit(presence_ttl),
      settle(presence_ttl / 3 + milliseconds(1'000)) {}

RedisPresenceContext::RedisPresenceContext(const RedisPresenceOptions& wanted,
                                           net::Loop& bus,
                                           redis::Client& redis,
                                           RedisPresenceCounters& counts)
    : options(wanted),
      times(wanted.presence_ttl),
      nodes(redis_node_keys(wanted.prefix)),
      loop(bus),
      client(redis),
      counters(counts),
      random(static_cast<std::uint32_t>(random_u64())) {}

SteadyTime RedisPresenceContext::after_about(milliseconds duration) {
    std::uniform_int_distribution<std::int64_t> tenth(-duration.count() / 10,
                                                      duration.count() / 10);
    return loop.now() + duration + milliseconds(tenth(random));
}

void upsert_presence(RedisPresenceContext& context,
                     const RedisUser& user,
                     const std::string& node,
                     UpsertKind kind,
                     redis::ReplyCallback done) {
    const RedisChannelKeys keys = context.keys_of(user.channel);
    const std::string names[] = {keys.presence, keys.owners};
    const std::string arguments[] = {user.user_id,
                                     node,
                                     std::string(word(kind)),
                                     std::to_string(context.times.ttl.count()),
                                     keys.bus,
                                     redis_value_head(user.user_id, user.meta),
                                     redis_upsert_message(user.channel, user.user_id)};
    context.client.eval(redis_presence_scripts().upsert, names, arguments, std::move(done));
}

void leave_presence(RedisPresenceContext& context,
                    const ChannelName& channel,
                    const std::string& node,
                    std::span<const std::string> users,
                    redis::ReplyCallback done) {
    const RedisChannelKeys keys = context.keys_of(channel);
    const std::string names[] = {keys.presence, keys.owners};
    std::vector<std::string> arguments = {
        node, keys.bus, redis_leave_head(channel), std::string(redis_leave_tail())};
    arguments.reserve(arguments.size() + 2 * users.size());
    for (const std::string& user : users) {
        arguments.push_back(user);
        arguments.push_back(redis_quoted(user));
    }
    context.client.eval(redis_presence_scripts().leave, names, arguments, std::move(done));
}

void scan_page(RedisPresenceContext& context,
               std::string_view command,
               const std::string& key,
               const std::string& cursor,
               int count,
               RedisPageCallback done) {
    resp::Command scan{command, key, cursor, "COUNT", std::to_string(count)};
    context.client.call(key, std::move(scan), [done = std::move(done)](redis::Reply reply) {
        done(read_page(reply));
    });
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "stores/redis_scripts.hpp"

#include <string>

namespace roomcast {

namespace {

/// In front of each script. Numbers go through %.0f, as Lua would write large ones as 1.6e+15.
constexpr const char* kClock = R"lua(
local time = redis.call('TIME')
local seconds, micros = tonumber(time[1]), tonumber(time[2])
local now = seconds * 1000 + math.floor(micros / 1000)
local function text(number) return string.format('%.0f', number) end
)lua";

/// The sequence number stands in the owners' hash under the empty name, which no user has. A
/// missing one starts at the clock in microseconds: it grows even across a loss of data.
constexpr const char* kAnnounce = R"lua(
local function announce(bus, message, node)
    local sequence = redis.call('HINCRBY', KEYS[2], '', 1)
    if sequence == 1 then
        sequence = seconds * 1000000 + micros
        redis.call('HSET', KEYS[2], '', text(sequence))
        -- The hash may be new, and not every script sets a time of its own.
        redis.call('PEXPIRE', KEYS[2], 600000)
    end
    redis.call('PUBLISH', bus, message .. text(now) .. ',"seq":' .. text(sequence)
        .. ',"node":"' .. node .. '"}')
    return sequence
end
)lua";

constexpr const char* kUpsert = R"lua(
local user, node, kind, ttl, bus, head, message = unpack(ARGV)
local owners = redis.call('HGET', KEYS[2], user)
if not owners then
    redis.call('HSET', KEYS[2], user, node)
elseif not string.find(owners, node, 1, true) then
    redis.call('HSET', KEYS[2], user, owners .. ' ' .. node)
end
local stored = redis.call('HGET', KEYS[1], user)
local is_same = stored and string.sub(stored, 1, #head) == head
local sequence = 0
if not stored or kind == 'update' or (kind == 'join' and not is_same) then
    local value = head .. text(seconds) .. '}'
    redis.call('HSET', KEYS[1], user, value)
    local type = stored and 'update' or 'join'
    sequence = announce(bus, '{"type":"presence_' .. type .. message .. value .. ',"ts":', node)
end
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('PEXPIRE', KEYS[2], ttl)
return text(sequence)
)lua";

constexpr const char* kLeave = R"lua(
local node, bus, head, tail = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local announced = 0
for i = 5, #ARGV, 2 do
    local user = ARGV[i]
    local owners = redis.call('HGET', KEYS[2], user)
    if owners and string.find(owners, node, 1, true) then
        local left = {}
        for owner in string.gmatch(owners, '%S+') do
            if owner ~= node then left[#left + 1] = owner end
        end
        if #left > 0 then
            redis.call('HSET', KEYS[2], user, table.concat(left, ' '))
        else
            redis.call('HDEL', KEYS[2], user)
            if redis.call('HDEL', KEYS[1], user) == 1 then
                announce(bus, head .. ARGV[i + 1] .. tail, node)
                announced = announced + 1
            end
        end
    end
end
return announced
)lua";

constexpr const char* kExpire = R"lua(
local node, bus, head, tail, age = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local announced = 0
for i = 6, #ARGV, 4 do
    local user, value, updated_at = ARGV[i], ARGV[i + 2], tonumber(ARGV[i + 3])
    if seconds - updated_at > age and redis.call('HEXISTS', KEYS[2], user) == 0
            and redis.call('HGET', KEYS[1], user) == value then
        redis.call('HDEL', KEYS[1], user)
        announce(bus, head .. ARGV[i + 1] .. tail, node)
        announced = announced + 1
    end
end
return announced
)lua";

constexpr const char* kTouch = R"lua(
return {redis.call('PEXPIRE', KEYS[1], ARGV[1]), redis.call('PEXPIRE', KEYS[2], ARGV[1]),
        redis.call('HGET', KEYS[2], '') or '0'}
)lua";

constexpr const char* kBeat = R"lua(
local live, dead, reaped = KEYS[1], KEYS[2], KEYS[3]
local node, lease, beat = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local is_first, grace = ARGV[4] == '1', tonumber(ARGV[5])
local function range(key, first, last, count)
    return redis.call('ZRANGEBYSCORE', key, first, last, 'LIMIT', 0, count)
end
local function set_all(key, members, due)
    for _, member in ipairs(members) do redis.call('ZADD', key, text(due), member) end
end
-- Nobody has beaten for a while: Redis was away, or its clock has jumped forward.
local newest = redis.call('ZREVRANGE', live, 0, 0, 'WITHSCORES')
local is_cold = not newest[2] or tonumber(newest[2]) - lease < now - 2 * beat
if is_cold then
    set_all(live, redis.call('ZRANGE', live, 0, 999), now + lease)
    set_all(dead, range(dead, '-inf', text(now), 1000), now + lease)
end
-- Its clock has jumped back.
set_all(live, range(live, '(' .. text(now + 2 * lease), '+inf', 1000), now + lease)
set_all(dead, range(dead, '(' .. text(now + 2 * lease + grace), '+inf', 1000), now + lease)
local is_known = redis.call('ZSCORE', live, node)
if redis.call('ZSCORE', dead, node) or not (is_first or is_known) then
    redis.call('ZREM', live, node)
    redis.call('ZADD', dead, text(now), node)
    redis.call('HDEL', reaped, node)
    return {0}
end
redis.call('ZADD', live, text(now + lease), node)
local answer = {1}
if is_cold then return answer end
for _, key in ipairs({live, dead}) do
    for _, due in ipairs(range(key, '-inf', text(now), 17 - #answer)) do
        answer[#answer + 1] = due
    end
end
return answer
)lua";

constexpr const char* kClaim = R"lua(
local live, dead, reaped = KEYS[1], KEYS[2], KEYS[3]
local node, claim = ARGV[1], now + tonumber(ARGV[2])
local deadline = redis.call('ZSCORE', live, node)
if deadline and tonumber(deadline) < now then
    redis.call('ZREM', live, node)
elseif deadline then
    return {}
else
    deadline = redis.call('ZSCORE', dead, node)
    if not deadline or tonumber(deadline) > now then return {} end
end
redis.call('ZADD', dead, text(claim), node)
return {text(claim), redis.call('HEXISTS', reaped, node), now - tonumber(deadline)}
)lua";

/// A claim is known by its deadline.
constexpr const char* kIsClaimed = R"lua(
local dead, reaped, node = KEYS[2], KEYS[3], ARGV[1]
local deadline = redis.call('ZSCORE', dead, node)
local is_claimed = deadline and tonumber(deadline) == tonumber(ARGV[2])
)lua";

constexpr const char* kRenew = R"lua(
if not is_claimed then return false end
local claim = text(now + tonumber(ARGV[3]))
redis.call('ZADD', dead, claim, node)
return claim
)lua";

constexpr const char* kSettle = R"lua(
if not is_claimed then return 0 end
if redis.call('HDEL', reaped, node) == 1 then
    redis.call('ZREM', dead, node)
else
    redis.call('HSET', reaped, node, '1')
    redis.call('ZADD', dead, text(now + tonumber(ARGV[3])), node)
end
return 1
)lua";

constexpr const char* kRetire = R"lua(
local live, dead, node, delay = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local is_known = redis.call('ZREM', live, node) == 1
if is_known and delay >= 0 then redis.call('ZADD', dead, text(now + delay), node) end
return is_known and 1 or 0
)lua";

redis::Script script(std::initializer_list<const char*> parts) {
    std::string text;
    for (const char* part : parts)
        text += part;
    return redis::Script(std::move(text));
}

}  // namespace

RedisPresenceScripts::RedisPresenceScripts()
    : upsert(script({kClock, kAnnounce, kUpsert})),
      leave(script({kClock, kAnnounce, kLeave})),
      expire(script({kClock, kAnnounce, kExpire})),
      touch(script({kTouch})),
      beat(script({kClock, kBeat})),
      claim(script({kClock, kClaim})),
      renew(script({kClock, kIsClaimed, kRenew})),
      settle(script({kClock, kIsClaimed, kSettle})),
      retire(script({kClock, kRetire})) {}

const RedisPresenceScripts& redis_presence_scripts() {
    static const RedisPresenceScripts kScripts;
    return kScripts;
}

std::vector<const redis::Script*> redis_presence_script_list() {
    const RedisPresenceScripts& all = redis_presence_scripts();
    return {&all.upsert,
            &all.leave,
            &all.expire,
            &all.touch,
            &all.beat,
            &all.claim,
            &all.renew,
            &all.settle,
            &all.retire};
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "stores/redis_wire.hpp"

#include <cstdint>
#include <utility>

#include "codec/json.hpp"
#include "codec/utf8.hpp"
#include "redis/client.hpp"

namespace roomcast {

namespace {

std::string owners_key(std::string_view prefix, const std::string& presence_key) {
    std::string key(prefix);
    key.append("{").append(redis::slot_tag(presence_key)).append("}:own");
    // Channels with braces may share a tag.
    if (presence_key.find_first_of("{}") != std::string::npos) {
        key.append(":").append(presence_key, presence_key.find(':') + 1);
    }
    return key;
}

MetaText meta_of(const json::Value& value) {
    if (value.is_absent() || value.is(json::Kind::null)) return nullptr;
    std::string text;
    json::append_one_line(text, value.raw());
    return std::make_shared<const std::string>(std::move(text));
}

void read_entry(const json::Value& object, PresenceEntry& entry) {
    for (const json::Member& member : object.members()) {
        const auto name = member.name.to_string();
        if (name == "meta") {
            entry.meta = meta_of(member.value);
        } else if (name == "updated_at") {
            entry.updated_at = member.value.to_integer().value_or(0);
        }
    }
}

std::optional<PresenceChange> change_of(std::string_view type) {
    if (type == "presence_join") return PresenceChange::join;
    if (type == "presence_update") return PresenceChange::update;
    if (type == "presence_leave") return PresenceChange::leave;
    return std::nullopt;
}

/// Another one is a mistake, and would outrun all later events.
constexpr std::int64_t kMaxSequence = std::int64_t{1} << 53;

}  // namespace

RedisChannelKeys redis_channel_keys(std::string_view prefix, const ChannelName& channel) {
    RedisChannelKeys keys{.presence = "presence:", .owners = {}, .bus = "presence."};
    keys.presence += channel.text();
    keys.bus += channel.text();
    keys.owners = owners_key(prefix, keys.presence);
    return keys;
}

RedisNodeKeys redis_node_keys(std::string_view prefix) {
    const std::string common = std::string(prefix) + "{nodes}:";
    return {.live = common + "live", .dead = common + "dead", .reaped = common + "reaped"};
}

std::vector<std::string> redis_script_keys(const RedisNodeKeys& nodes) {
    return {nodes.live, nodes.dead, nodes.reaped};
}

std::string redis_channels_key(std::string_view prefix, std::string_view node) {
    return std::string(prefix).append("{").append(node).append("}:ch");
}

std::string redis_value_head(std::string_view user, const MetaText& meta) {
    std::string text;
    json::ObjectWriter fields(text);
    fields.string("user_id", user).raw("meta", meta ? std::string_view(*meta) : "null");
    fields.key("updated_at");
    return text;
}

std::string redis_upsert_message(const ChannelName& channel, std::string_view user) {
    std::string text = R"(","channel_id":)";
    json::append_string(text, channel.text());
    text += R"(,"user_id":)";
    json::append_string(text, user);
    text += R"(,"meta":)";
    return text;
}

std::string redis_leave_head(const ChannelName& channel) {
    std::string text;
    json::ObjectWriter fields(text);
    fields.string("type", "presence_leave").string("channel_id", channel.text());
    fields.key("user_id");
    return text;
}

std::string_view redis_leave_tail() {
    return R"(,"meta":{"user_id":"","meta":null,"updated_at":0},"ts":)";
}

std::string redis_quoted(std::string_view user) {
    std::string text;
    json::append_string(text, user);
    return text;
}

std::optional<PresenceEntry> read_redis_value(std::string_view user, std::string_view value) {
    if (user.empty() || !is_valid_utf8(user)) return std::nullopt;
    const json::PaddedString padded(value);
    const auto object = json::parse_object(padded.text());
    if (!object) return std::nullopt;
    PresenceEntry entry{.user_id = std::string(user), .meta = nullptr, .updated_at = 0};
    read_entry(*object, entry);
    return entry;
}

std::optional<PresenceEvent> read_redis_event(const ChannelName& channel,
                                              std::string_view message) {
    const json::PaddedString padded(message);
    const auto object = json::parse_object(padded.text());
    if (!object) return std::nullopt;
    std::optional<PresenceChange> change;
    PresenceEvent event{.change = PresenceChange::leave, .channel = channel, .entry = {}};
    for (const json::Member& member : object->members()) {
        const auto name = member.name.to_string();
        if (name == "type") {
            change = change_of(member.value.to_string().value_or(""));
        } else if (name == "user_id") {
            event.entry.user_id = member.value.to_string().value_or("");
        } else if (name == "meta") {
            read_entry(member.value, event.entry);
        } else if (name == "ts") {
            event.ts_ms = member.value.to_integer().value_or(0);
        } else if (name == "seq") {
            const std::int64_t sequence = member.value.to_integer().value_or(0);
            if (sequence > 0 && sequence < kMaxSequence) {
                event.sequence = static_cast<std::uint64_t>(sequence);
            }
        }
    }
    if (!change || event.entry.user_id.empty()) return std::nullopt;
    event.change = *change;
    if (event.change == PresenceChange::leave) event.entry.meta = nullptr;
    return event;
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "brokers/bus_message.hpp"

#include <chrono>
#include <cstdint>
#include <utility>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "util/hex.hpp"

namespace roomcast {

namespace {

using std::chrono::duration_cast, std::chrono::microseconds;

/// What the base system writes into each broadcast.
constexpr std::string_view kEmptyMeta = R"({"user_id":"","meta":null,"updated_at":0})";
constexpr std::int64_t kMaxExactInteger = (std::int64_t{1} << 53) - 1;

/// The fields of interest, as far as they are there. The last of two counts.
struct Fields {
    json::Value type;
    json::Value channel;
    json::Value user;
    json::Value event;
    json::Value payload;
    json::Value ts;
    json::Value id;
    json::Value node;
    json::Value session;
    json::Value self;
    json::Value taken;

    json::Value* find(std::string_view quoted_name) {
        if (quoted_name == R"("type")") return &type;
        if (quoted_name == R"("channel_id")") return &channel;
        if (quoted_name == R"("user_id")") return &user;
        if (quoted_name == R"("event")") return &event;
        if (quoted_name == R"("payload")") return &payload;
        if (quoted_name == R"("ts")") return &ts;
        if (quoted_name == R"("id")") return &id;
        if (quoted_name == R"("node")") return &node;
        if (quoted_name == R"("connection_id")") return &session;
        if (quoted_name == R"("self")") return &self;
        if (quoted_name == R"("taken_us")") return &taken;
        return nullptr;
    }
};

std::uint64_t hex_or_zero(const json::Value& value) {
    return parse_hex(value.to_string().value_or("")).value_or(0);
}

std::int64_t integer_or_zero(const json::Value& value) {
    return value.to_integer().value_or(0);
}

}  // namespace

std::string encode_bus_message(const BusMessage& message) {
    std::string text;
    text.reserve(message.payload.size() + message.event.size() + message.user_id.size() +
                 message.channel.text().size() + 320);
    json::ObjectWriter writer(text);
    writer.string("type", "broadcast").string("channel_id", message.channel.text());
    if (!message.user_id.empty()) writer.string("user_id", message.user_id);
    writer.string("event", message.event)
        .raw("payload", message.payload)
        .raw("meta", kEmptyMeta)
        .integer("ts", message.ts_ms)
        .integer("id", static_cast<std::int64_t>(message.message_id))
        .string("node", to_hex(static_cast<std::uint64_t>(message.origin_node)));
    if (message.origin != SessionId::none) {
        writer.string("connection_id", to_hex(static_cast<std::uint64_t>(message.origin)));
    }
    if (!message.is_echoed) writer.boolean("self", false);
    if (message.taken_at != SteadyTime{}) {
        writer.integer("taken_us",
                       duration_cast<microseconds>(message.taken_at.time_since_epoch()).count());
    }
    writer.end();
    return text;
}

Outcome<BusMessage, std::string> decode_bus_message(const ChannelName& channel,
                                                    std::string_view padded_text) {
    Fields fields;
    const auto document = json::parse_object(padded_text, [&fields](const json::Member& member) {
        if (json::Value* field = fields.find(member.name.raw())) *field = member.value;
    });
    if (!document) return json::describe(document.error());
    if (fields.type.to_string() != "broadcast") return std::string("its type is not \"broadcast\"");
    BusMessage message;
    message.channel = channel;
    message.event = fields.event.to_string().value_or("");
    message.user_id = fields.user.to_string().value_or("");
    if (fields.payload.is_absent()) {
        message.payload = "null";
    } else {
        json::append_one_line(message.payload, fields.payload.raw());
    }
    message.ts_ms = integer_or_zero(fields.ts);
    const std::int64_t id = integer_or_zero(fields.id);
    if (id > 0 && id <= kMaxExactInteger) message.message_id = static_cast<std::uint64_t>(id);
    message.origin_node = NodeId{hex_or_zero(fields.node)};
    message.origin = SessionId{hex_or_zero(fields.session)};
    message.is_echoed = fields.self.to_bool().value_or(true);
    message.taken_at = SteadyTime{microseconds(integer_or_zero(fields.taken))};
    return message;
}

}  // namespace roomcast

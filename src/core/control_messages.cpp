// SPDX-License-Identifier: Apache-2.0
#include "core/control_messages.hpp"

#include <algorithm>
#include <cstdint>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "util/hex.hpp"

namespace roomcast {

namespace {

/// The fields of either kind, as far as they are there.
struct Fields {
    std::string type;
    std::string id;
    std::string node;
    std::string version;
    std::string user_id;
    std::int64_t connections = 0;
    bool is_draining = false;
};

void take(Fields& fields, std::string_view name, const json::Value& value) {
    if (name == "type") fields.type = value.to_string().value_or("");
    if (name == "id") fields.id = value.to_string().value_or("");
    if (name == "node") fields.node = value.to_string().value_or("");
    if (name == "version") fields.version = value.to_string().value_or("");
    if (name == "user_id") fields.user_id = value.to_string().value_or("");
    if (name == "connections") fields.connections = value.to_integer().value_or(0);
    if (name == "draining") fields.is_draining = value.to_bool().value_or(false);
}

}  // namespace

std::string encode(const NodeAnnouncement& announcement) {
    std::string text;
    json::ObjectWriter(text)
        .string("type", "node")
        .string("node", announcement.name)
        .string("id", to_hex(static_cast<std::uint64_t>(announcement.id)))
        .string("version", announcement.version)
        .integer("connections", static_cast<std::int64_t>(announcement.connections))
        .boolean("draining", announcement.is_draining)
        .end();
    return text;
}

std::string encode(const DisconnectUser& command) {
    std::string text;
    json::ObjectWriter(text)
        .string("type", "disconnect_user")
        .string("user_id", command.user_id)
        .string("id", to_hex(static_cast<std::uint64_t>(command.from)))
        .end();
    return text;
}

ControlMessage parse_control(std::string_view text) {
    const json::PaddedString padded(text);
    const auto document = json::parse_object(padded.text());
    if (!document) return {};
    Fields fields;
    for (const json::Member& member : document->members())
        take(fields, member.name.to_string().value_or(""), member.value);
    const auto id = parse_hex(fields.id);
    if (fields.type == "node" && id && !fields.node.empty()) {
        return NodeAnnouncement{
            .id = NodeId{*id},
            .name = fields.node,
            .version = fields.version,
            .connections = static_cast<std::size_t>(std::max<std::int64_t>(fields.connections, 0)),
            .is_draining = fields.is_draining};
    }
    if (fields.type == "disconnect_user" && !fields.user_id.empty()) {
        return DisconnectUser{.from = NodeId{id.value_or(0)}, .user_id = fields.user_id};
    }
    return {};
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "http/channel_api.hpp"

#include <cstdint>
#include <utility>

#include "codec/json_writer.hpp"
#include "http/page_query.hpp"

namespace roomcast::http {
namespace {

std::string channels_text(const Page<ChannelSummary>& page) {
    std::string text = R"({"scope":"node","channels":[)";
    for (const ChannelSummary& channel : page.items) {
        if (&channel != &page.items.front()) text += ',';
        json::ObjectWriter(text)
            .string("name", channel.name)
            .integer("subscribers", static_cast<std::int64_t>(channel.subscribers))
            .integer("users", static_cast<std::int64_t>(channel.users))
            .end();
    }
    text += ']';
    append_next_cursor(text, page.next_cursor);
    return text + '}';
}

std::string presence_text(const ChannelName& channel, const std::vector<PresenceEntry>& users) {
    std::string text = R"({"channel":)";
    json::append_string(text, channel.text());
    text += R"(,"users":[)";
    for (const PresenceEntry& user : users) {
        if (&user != &users.front()) text += ',';
        json::ObjectWriter(text)
            .string("user_id", user.user_id)
            .raw("meta", user.meta ? *user.meta : std::string_view("null"))
            .integer("updated_at", user.updated_at)
            .end();
    }
    return text + "]}";
}

}  // namespace

void list_channels(RouteCall& call, Respond respond) {
    const auto limit = read_limit(call.query);
    if (!limit) return respond(error_response(400, "bad_request", "limit must be 1 to 1000"));
    ChannelQuery query;
    query.prefix = read_text(call.query, "prefix");
    query.after = read_text(call.query, "cursor");
    query.limit = *limit;
    call.hub.channels(std::move(query), [respond](const Page<ChannelSummary>& page) {
        Response response;
        response.body = channels_text(page);
        respond(std::move(response));
    });
}

void list_presence(RouteCall& call, Respond respond) {
    const auto channel = ChannelName::make(call.path_parts.front());
    if (!channel) {
        return respond(error_response(
            400, "bad_channel", "a channel has 1 to 256 bytes and no control characters"));
    }
    if (!call.caller.rights.allow(Right::subscribe, channel->text())) {
        return respond(
            error_response(403, "forbidden", "the token does not allow this on this channel"));
    }
    call.hub.presence(
        *channel, [respond, channel = *channel](Result<std::vector<PresenceEntry>> users) {
            if (!users) {
                Response response = error_response(503, "unavailable", "presence is unavailable");
                response.headers.push_back({"Retry-After", "1"});
                return respond(std::move(response));
            }
            Response response;
            response.body = presence_text(channel, *users);
            respond(std::move(response));
        });
}

void disconnect_user(RouteCall& call, Respond respond) {
    call.hub.disconnect_user(call.path_parts.front(), [respond](Disconnected disconnected) {
        Response response;
        json::ObjectWriter(response.body)
            .integer("disconnected", static_cast<std::int64_t>(disconnected.connections))
            .integer("nodes_told", static_cast<std::int64_t>(disconnected.nodes_told))
            .end();
        respond(std::move(response));
    });
}

}  // namespace roomcast::http

// SPDX-License-Identifier: Apache-2.0
#include "http/operator_api.hpp"

#include <cstdint>
#include <utility>

#include "codec/json_writer.hpp"
#include "http/page_query.hpp"

namespace roomcast::http {
namespace {

void append_connection(std::string& out, const ConnectionSummary& connection) {
    json::ObjectWriter(out)
        .string("connection_id", connection.connection_id)
        .string("user_id", connection.user_id)
        .string("peer", connection.peer)
        .integer("connected_at", connection.connected_at_ms)
        .integer("subscriptions", static_cast<std::int64_t>(connection.subscriptions))
        .integer("queued_bytes", static_cast<std::int64_t>(connection.queued_bytes))
        .string("protocol", connection.is_versioned ? "roomcast.v1" : "base")
        .end();
}

std::string nodes_text(const std::vector<NodeSummary>& nodes) {
    std::string text = R"({"nodes":[)";
    for (const NodeSummary& node : nodes) {
        if (&node != &nodes.front()) text += ',';
        json::ObjectWriter(text)
            .string("node", node.name)
            .string("id", node.id)
            .string("version", node.version)
            .integer("connections", static_cast<std::int64_t>(node.connections))
            .boolean("draining", node.is_draining)
            .boolean("self", node.is_self)
            .integer("heard_ms_ago", node.heard_ago.count())
            .end();
    }
    return text + "]}";
}

std::string connections_text(const Page<ConnectionSummary>& page) {
    std::string text = R"({"scope":"node","connections":[)";
    for (const ConnectionSummary& connection : page.items) {
        if (&connection != &page.items.front()) text += ',';
        append_connection(text, connection);
    }
    text += ']';
    append_next_cursor(text, page.next_cursor);
    return text + '}';
}

Response no_such_connection() {
    return error_response(404, "not_found", "there is no such connection on this node");
}

/// Of an operator's eyes only: no cache in between may keep it.
Response private_response(std::string body) {
    Response response;
    response.body = std::move(body);
    response.headers.push_back({"Cache-Control", "no-store"});
    return response;
}

}  // namespace

void show_stats(RouteCall& call, Respond respond) {
    respond(private_response(call.options.server.stats()));
}

void show_config(RouteCall& call, Respond respond) {
    respond(private_response(call.options.server.config()));
}

void list_nodes(RouteCall& call, Respond respond) {
    call.hub.nodes([respond](const std::vector<NodeSummary>& nodes) {
        respond(private_response(nodes_text(nodes)));
    });
}

void list_connections(RouteCall& call, Respond respond) {
    const auto limit = read_limit(call.query);
    if (!limit) return respond(error_response(400, "bad_request", "limit must be 1 to 1000"));
    ConnectionQuery query;
    query.user_id = read_text(call.query, "user_id");
    query.channel = read_text(call.query, "channel");
    query.after = read_text(call.query, "cursor");
    query.limit = *limit;
    call.hub.connections(std::move(query), [respond](const Page<ConnectionSummary>& page) {
        respond(private_response(connections_text(page)));
    });
}

void show_connection(RouteCall& call, Respond respond) {
    call.hub.connection(call.path_parts.front(),
                        [respond](std::optional<ConnectionSummary> connection) {
                            if (!connection) return respond(no_such_connection());
                            std::string text;
                            append_connection(text, *connection);
                            respond(private_response(std::move(text)));
                        });
}

void close_connection(RouteCall& call, Respond respond) {
    call.hub.disconnect(call.path_parts.front(), [respond](bool was_there) {
        respond(was_there ? private_response(R"({"disconnected":1})") : no_such_connection());
    });
}

}  // namespace roomcast::http

// SPDX-License-Identifier: Apache-2.0
// A hub for the tests of routes: remembers what it was asked, and answers when and what it is told.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/hub_client.hpp"

namespace roomcast {

class FakeHubClient final : public HubClient {
public:
    void publish(PublishRequest request, HubCallback<Result<PublishReceipt>> done) override {
        published.push_back(std::move(request));
        Result<PublishReceipt> receipt = PublishReceipt{.message_id = 100 + published.size()};
        if (publish_error) receipt = *publish_error;
        if (!holds_answers) return done(receipt);
        held.emplace_back([done = std::move(done), receipt] { done(receipt); });
    }

    void presence(const ChannelName& channel,
                  HubCallback<Result<std::vector<PresenceEntry>>> done) override {
        presence_channel = channel;
        done(present);
    }

    void channels(ChannelQuery query, HubCallback<Page<ChannelSummary>> done) override {
        channel_query = std::move(query);
        done(channel_page);
    }

    void connections(ConnectionQuery query, HubCallback<Page<ConnectionSummary>> done) override {
        connection_query = std::move(query);
        done(connection_page);
    }

    void connection(std::string connection_id,
                    HubCallback<std::optional<ConnectionSummary>> done) override {
        for (const ConnectionSummary& connection : connection_page.items) {
            if (connection.connection_id == connection_id) return done(connection);
        }
        done(std::nullopt);
    }

    void disconnect_user(std::string user_id, HubCallback<Disconnected> done) override {
        disconnected.push_back(std::move(user_id));
        done({.connections = 2, .nodes_told = 1});
    }

    void nodes(HubCallback<std::vector<NodeSummary>> done) override {
        done({{.name = "node-1", .id = "00", .version = "roomcast/1", .connections = 3},
              {.name = "node-2", .id = "01", .is_draining = true, .is_self = true}});
    }

    void disconnect(std::string connection_id, HubCallback<bool> done) override {
        for (const ConnectionSummary& connection : connection_page.items) {
            if (connection.connection_id != connection_id) continue;
            disconnected.push_back(std::move(connection_id));
            return done(true);
        }
        done(false);
    }

    std::vector<PublishRequest> published;
    std::optional<Errc> publish_error;
    /// True: publish() answers when the test calls `held`.
    bool holds_answers = false;
    std::vector<std::function<void()>> held;

    ChannelName presence_channel;
    Result<std::vector<PresenceEntry>> present = std::vector<PresenceEntry>();
    ChannelQuery channel_query;
    Page<ChannelSummary> channel_page;
    ConnectionQuery connection_query;
    Page<ConnectionSummary> connection_page;
    std::vector<std::string> disconnected;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "core/shard_client.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <string_view>
#include <utility>

#include "core/connection_id.hpp"
#include "core/control_messages.hpp"
#include "core/home.hpp"
#include "core/hub.hpp"
#include "core/session.hpp"
#include "core/shard.hpp"

namespace roomcast {

namespace {

ConnectionSummary summarize(const Session& session, NodeId node) {
    return {.connection_id = to_text({node, session.id()}),
            .user_id = session.user_id(),
            .peer = session.peer(),
            .connected_at_ms = session.connected_at_ms(),
            .subscriptions = session.subscription_count(),
            .queued_bytes = session.queued_bytes(),
            .is_versioned = session.is_versioned()};
}

const std::string& order_of(const ChannelSummary& channel) {
    return channel.name;
}

const std::string& order_of(const ConnectionSummary& connection) {
    return connection.connection_id;
}

/// Sorts and keeps what a page of `limit` needs: one more tells that there is a next one.
template <class Item>
void keep_first(std::vector<Item>& items, std::size_t limit) {
    const auto is_before = [](const Item& a, const Item& b) { return order_of(a) < order_of(b); };
    const std::size_t kept = std::min(items.size(), limit + 1);
    std::partial_sort(
        items.begin(), items.begin() + static_cast<std::ptrdiff_t>(kept), items.end(), is_before);
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(kept), items.end());
}

template <class Item>
Page<Item> make_page(std::vector<std::vector<Item>> parts, std::size_t limit) {
    Page<Item> page;
    for (std::vector<Item>& part : parts) {
        std::ranges::move(part, std::back_inserter(page.items));
    }
    keep_first(page.items, limit);
    if (page.items.size() > limit) {
        page.items.pop_back();
        if (!page.items.empty()) page.next_cursor = order_of(page.items.back());
    }
    return page;
}

std::vector<ConnectionSummary> find_connections(Shard& shard,
                                                const ConnectionQuery& query,
                                                const ChannelName& channel) {
    std::vector<ConnectionSummary> found;
    shard.sessions().for_each([&](const Session& session) {
        if (!query.user_id.empty() && session.user_id() != query.user_id) return;
        if (!channel.is_empty() && !session.listens_to(channel)) return;
        ConnectionSummary summary = summarize(session, shard.services().node_id);
        if (summary.connection_id > query.after) found.push_back(std::move(summary));
    });
    keep_first(found, query.limit);
    return found;
}

}  // namespace

void ShardClient::publish(PublishRequest request, HubCallback<Result<PublishReceipt>> done) {
    if (request.payload.size() + request.event.size() > shard_.services().limits.message_bytes) {
        return done(Errc::limit);
    }
    shard_.wake_clock();
    auto publish = std::make_unique<Publish>();
    BusMessage& message = publish->message;
    message.channel = request.channel;
    message.event = std::move(request.event);
    message.payload = std::move(request.payload);
    message.ts_ms = shard_.wall_ms();
    message.message_id = shard_.next_message_id();
    message.origin_node = shard_.services().node_id;
    message.taken_at = shard_.now();
    publish->reply = {.shard = shard_.index(), .request = ++requests_};
    if (!request.idempotency_key.empty()) {
        publish->key =
            idempotency_key('h', request.key_owner, request.channel, request.idempotency_key);
    }
    shard_.metrics().publications_http.add();
    publishes_.emplace(requests_, std::move(done));
    shard_.post().to_home(request.channel, std::move(publish));
}

void ShardClient::on_published(const PublishAnswer& answer) {
    const auto found = publishes_.extract(answer.request);
    if (found.empty()) return;
    if (answer.error) return found.mapped()(*answer.error);
    found.mapped()(PublishReceipt{answer.message_id, answer.ts_ms});
}

void ShardClient::presence(const ChannelName& channel,
                           HubCallback<Result<std::vector<PresenceEntry>>> done) {
    auto command = std::make_unique<PresenceGet>();
    command->channel = channel;
    command->reply = {.shard = shard_.index(), .request = ++requests_};
    presence_.emplace(requests_, std::move(done));
    shard_.post().to_home(channel, std::move(command));
}

void ShardClient::on_presence(std::uint64_t request, Result<std::vector<PresenceEntry>> users) {
    const auto found = presence_.extract(request);
    if (!found.empty()) found.mapped()(std::move(users));
}

template <class Part>
void ShardClient::ask_shard(ShardIndex shard,
                            std::function<Part(Shard&)> ask,
                            Asked<Part> ShardClient::*asked,
                            std::function<void(Part)> done) {
    const std::uint64_t request = ++requests_;
    (this->*asked).emplace(request, std::move(done));
    // Only values travel: the answer finds its way back by number.
    shard_.hub().post(shard,
                      [ask = std::move(ask), asked, request, asker = shard_.index()](Shard& other) {
                          other.hub().post(asker, [part = ask(other), asked, request](Shard& home) {
                              auto& client = static_cast<ShardClient&>(home.client());
                              const auto found = (client.*asked).extract(request);
                              if (!found.empty()) found.mapped()(part);
                          });
                      });
}

template <class Part>
void ShardClient::ask_all(std::function<Part(Shard&)> ask,
                          Asked<Part> ShardClient::*asked,
                          std::function<void(std::vector<Part>)> done) {
    const ShardIndex count = shard_.hub().shard_count();
    const auto parts = std::make_shared<std::vector<Part>>();  // stays on this shard
    for (ShardIndex shard = 0; shard < count; ++shard) {
        ask_shard<Part>(shard, ask, asked, [parts, done, count](Part part) {
            parts->push_back(std::move(part));
            if (parts->size() == count) done(std::move(*parts));
        });
    }
}

void ShardClient::channels(ChannelQuery query, HubCallback<Page<ChannelSummary>> done) {
    ask_all<std::vector<ChannelSummary>>(
        [query](Shard& shard) {
            std::vector<ChannelSummary> found = shard.home().summaries(query);
            keep_first(found, query.limit);
            return found;
        },
        &ShardClient::channels_,
        [limit = query.limit,
         done = std::move(done)](std::vector<std::vector<ChannelSummary>> parts) {
            done(make_page(std::move(parts), limit));
        });
}

void ShardClient::connections(ConnectionQuery query, HubCallback<Page<ConnectionSummary>> done) {
    ChannelName channel;
    if (!query.channel.empty()) {
        const auto name = ChannelName::make(query.channel);
        if (!name) return done({});  // nobody is on a channel that cannot be
        channel = *name;
    }
    ask_all<std::vector<ConnectionSummary>>(
        [query, channel](Shard& shard) { return find_connections(shard, query, channel); },
        &ShardClient::connections_,
        [limit = query.limit,
         done = std::move(done)](std::vector<std::vector<ConnectionSummary>> parts) {
            done(make_page(std::move(parts), limit));
        });
}

void ShardClient::connection(std::string connection_id,
                             HubCallback<std::optional<ConnectionSummary>> done) {
    const auto id = parse_connection_id(connection_id);
    if (!id || id->node != shard_.services().node_id ||
        shard_of(id->session) >= shard_.hub().shard_count()) {
        return done(std::nullopt);
    }
    ask_shard<std::vector<ConnectionSummary>>(
        shard_of(id->session),
        [session_id = id->session](Shard& shard) {
            std::vector<ConnectionSummary> found;
            if (const Session* session = shard.sessions().find(session_id)) {
                found.push_back(summarize(*session, shard.services().node_id));
            }
            return found;
        },
        &ShardClient::connections_,
        [done = std::move(done)](std::vector<ConnectionSummary> found) {
            done(found.empty() ? std::nullopt : std::optional(std::move(found.front())));
        });
}

void ShardClient::disconnect_user(std::string user_id, HubCallback<Disconnected> done) {
    // A broker that is away loses the message without a word.
    const bool is_told = shard_.services().broker.is_connected();
    shard_.hub().tell_nodes(
        encode(DisconnectUser{.from = shard_.services().node_id, .user_id = user_id}));
    ask_all<std::size_t>(
        [user_id = std::move(user_id)](Shard& shard) { return shard.disconnect_user(user_id); },
        &ShardClient::disconnects_,
        [this, is_told, done = std::move(done)](const std::vector<std::size_t>& counts) {
            const std::size_t closed =
                std::accumulate(counts.begin(), counts.end(), std::size_t{0});
            nodes([done, closed, is_told](const std::vector<NodeSummary>& nodes) {
                done({.connections = closed, .nodes_told = is_told ? nodes.size() - 1 : 0});
            });
        });
}

void ShardClient::nodes(HubCallback<std::vector<NodeSummary>> done) {
    ask_shard<std::vector<NodeSummary>>(
        Hub::kDirectoryShard,
        [](Shard& shard) { return shard.hub().nodes(); },
        &ShardClient::nodes_,
        std::move(done));
}

void ShardClient::disconnect(std::string connection_id, HubCallback<bool> done) {
    const auto id = parse_connection_id(connection_id);
    if (!id || id->node != shard_.services().node_id ||
        shard_of(id->session) >= shard_.hub().shard_count()) {
        return done(false);
    }
    ask_shard<std::size_t>(
        shard_of(id->session),
        [session_id = id->session](Shard& shard) -> std::size_t {
            Session* session = shard.sessions().find(session_id);
            if (session) session->disconnect();
            return session ? 1 : 0;
        },
        &ShardClient::disconnects_,
        [done = std::move(done)](std::size_t count) { done(count > 0); });
}

}  // namespace roomcast

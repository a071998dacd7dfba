// SPDX-License-Identifier: Apache-2.0
// What HTTP routes ask of the hub. Each shard has one; every call and every answer is on its
// thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "brokers/broker.hpp"
#include "model/channel_name.hpp"
#include "model/errc.hpp"
#include "model/ids.hpp"
#include "model/presence_entry.hpp"

namespace roomcast {

/// A publication that comes over HTTP.
struct PublishRequest {
    ChannelName channel;
    std::string event;
    std::string payload;          // checked JSON text, one line
    std::string idempotency_key;  // empty: none
    std::string key_owner;        // whose key it is: the API key's name or the JWT's user
};

struct ChannelSummary {
    std::string name;
    std::size_t subscribers = 0;  // sessions with a listen set, on this node
    std::size_t users = 0;        // present, as far as this node knows
};

/// A page of channels or connections, in the order of names or ids.
template <class Item>
struct Page {
    std::vector<Item> items;
    std::string next_cursor;  // empty: this was the last page
};

struct ChannelQuery {
    std::string prefix;
    std::string after;  // names behind this one
    std::size_t limit = 100;
};

struct ConnectionSummary {
    std::string connection_id;
    std::string user_id;
    std::string peer;
    std::int64_t connected_at_ms = 0;
    std::size_t subscriptions = 0;
    std::size_t queued_bytes = 0;
    bool is_versioned = false;
};

struct ConnectionQuery {
    std::string user_id;  // empty: of all users
    std::string channel;  // empty: on any channel
    std::string after;    // connection ids behind this one
    std::size_t limit = 100;
};

/// A node as it has announced itself.
struct NodeSummary {
    std::string name;
    std::string id;
    std::string version = {};
    std::size_t connections = 0;
    bool is_draining = false;
    bool is_self = false;
    std::chrono::milliseconds heard_ago{0};
};

/// What became of a request to disconnect a user.
struct Disconnected {
    std::size_t connections = 0;  // closed on this node
    std::size_t nodes_told = 0;   // other nodes that were told to do the same
};

template <class T>
using HubCallback = std::function<void(T)>;

/// Asynchronous; each callback is called exactly once on this shard, maybe from within the call.
class HubClient {
public:
    virtual ~HubClient() = default;

    /// Errors: unavailable (within publish_timeout), limit.
    virtual void publish(PublishRequest request, HubCallback<Result<PublishReceipt>> done) = 0;
    virtual void presence(const ChannelName& channel,
                          HubCallback<Result<std::vector<PresenceEntry>>> done) = 0;
    virtual void channels(ChannelQuery query, HubCallback<Page<ChannelSummary>> done) = 0;
    virtual void connections(ConnectionQuery query, HubCallback<Page<ConnectionSummary>> done) = 0;
    /// The connection with that id, if it is on this node.
    virtual void connection(std::string connection_id,
                            HubCallback<std::optional<ConnectionSummary>> done) = 0;
    /// Closes all connections of a user with 4403, on all nodes; presence leaves at once.
    virtual void disconnect_user(std::string user_id, HubCallback<Disconnected> done) = 0;
    /// Closes one connection with 4403; false when there is none.
    virtual void disconnect(std::string connection_id, HubCallback<bool> done) = 0;
    /// All nodes that are known, this one too, in the order of their names.
    virtual void nodes(HubCallback<std::vector<NodeSummary>> done) = 0;
};

}  // namespace roomcast

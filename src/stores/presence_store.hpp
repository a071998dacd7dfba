// SPDX-License-Identifier: Apache-2.0
// Knows who is present on which channel, over all nodes: the interface of the presence stores.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "brokers/broker.hpp"
#include "model/errc.hpp"
#include "model/presence_entry.hpp"

namespace roomcast {

/// Who is on a channel. Holds all events up to and including `sequence`.
struct PresenceSnapshot {
    std::vector<PresenceEntry> users;
    std::uint64_t sequence = 0;
};

/// Where a store tells what changed, on this node or another. Called on the channel's home shard.
class PresenceSink {
public:
    virtual ~PresenceSink() = default;
    virtual void on_event(PresenceEvent event) = 0;
    /// Events of `channel` may have been lost: take a new snapshot.
    virtual void on_lost(const ChannelName& channel) = 0;
    /// The store can or cannot be reached; `detail` is for people. When it can again, what it has
    /// refused meanwhile is worth another try. From any thread.
    virtual void on_store_state(bool is_connected, std::string_view detail) = 0;
};

using PresenceCallback = std::function<void(Result<void>)>;
using SnapshotCallback = std::function<void(Result<PresenceSnapshot>)>;

/// Knows who is present on which channel, over all nodes. One per process. Sees one node's
/// transitions only: `core` counts the connections of each user and keeps the graces. Every call
/// comes from the home shard of the channel; callbacks and PresenceSink are called there too,
/// through the Executor given to start(), or at once from within the call (memory).
/// The step that changes the state is the one that announces it: each change is announced exactly
/// once, and a call that changes nothing announces nothing.
class PresenceStore {
public:
    virtual ~PresenceStore() = default;

    [[nodiscard]] virtual std::string_view name() const = 0;
    /// From any thread.
    [[nodiscard]] virtual bool is_connected() const = 0;

    /// Whether users stay known when this node stops, so that a drain leaves them to the other
    /// nodes: who has not come back through one of those after the grace that the store was given
    /// leaves.
    [[nodiscard]] virtual bool outlives_node() const { return false; }

    /// Starts connecting and returns at once. `sink` and `executor` outlive the store.
    virtual void start(PresenceSink& sink, Executor& executor) = 0;
    /// Called when the hub's loops have ended. Callbacks that are still awaited are dropped, and
    /// nothing is called afterwards.
    virtual void stop() = 0;

    /// Whether this node wants on_event() for `channel`. A snapshot() asked for after watch() and
    /// the events that follow it add up.
    virtual void watch(const ChannelName& channel) = 0;
    virtual void unwatch(const ChannelName& channel) = 0;

    /// Makes `user` present through this node, with `meta`. Announces a join when the user was
    /// absent, an update when the meta differs from the stored one, else nothing.
    virtual void join(const ChannelName& channel,
                      const std::string& user,
                      MetaText meta,
                      PresenceCallback done) = 0;
    /// Sets the meta of a user whom this node holds; announces an update always, or a join when the
    /// user was absent.
    virtual void update(const ChannelName& channel,
                        const std::string& user,
                        MetaText meta,
                        PresenceCallback done) = 0;
    /// This node no longer holds `user`. Announces a leave when no node does.
    virtual void leave(const ChannelName& channel,
                       const std::string& user,
                       PresenceCallback done) = 0;
    virtual void snapshot(const ChannelName& channel, SnapshotCallback done) = 0;

    /// What this kind of store counts, for /metrics. From any thread.
    [[nodiscard]] virtual std::vector<Figure> figures() const { return {}; }
};

}  // namespace roomcast

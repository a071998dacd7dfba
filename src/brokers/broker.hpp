// SPDX-License-Identifier: Apache-2.0
// Carries bus messages between nodes: the interface that every broker implements.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/channel_name.hpp"
#include "model/errc.hpp"
#include "model/ids.hpp"
#include "util/clock.hpp"
#include "util/figure.hpp"

namespace roomcast {

/// What a publisher is told of a publication that was accepted.
struct PublishReceipt {
    std::uint64_t message_id = 0;  // of a repeat: that of the first
    std::int64_t ts_ms = 0;
};

/// One publication on its way through the broker.
struct BusMessage {
    ChannelName channel;
    std::string event;
    std::string payload;  // JSON text, one line
    std::string user_id;  // empty: published over HTTP
    std::int64_t ts_ms = 0;
    std::uint64_t message_id = 0;  // unique, below 2^53
    /// The session that sent it, on the node `origin_node`; none when it came over HTTP.
    NodeId origin_node{};
    SessionId origin = SessionId::none;
    /// False: not delivered to `origin`.
    bool is_echoed = true;
    /// With its owner in front; empty: none. For a broker that keeps_keys(), which does not carry
    /// it to other nodes.
    std::string idempotency_key;
    /// When this node took it, for its own metrics. Brokers may lose it: it means nothing
    /// elsewhere.
    SteadyTime taken_at{};
};

/// What all subscribers of a channel can rely on.
enum class BrokerOrder : std::uint8_t {
    per_channel,  // one order for all subscribers on all nodes
    per_node,     // the order of each publishing node
};

/// Runs work on home shards.
class Executor {
public:
    virtual ~Executor() = default;
    /// The home of a channel is home_shard(channel, shard_count()).
    [[nodiscard]] virtual ShardIndex shard_count() const = 0;
    /// Runs `work` on that shard, later and in the order of the calls. From any thread. Never
    /// refused: whoever posts what others send must bound it. Work that is still waiting when the
    /// hub stops is dropped.
    virtual void post(ShardIndex shard, std::function<void()> work) = 0;
};

/// Where a broker delivers. Called on the home shard of the channel but where said so.
class BrokerSink {
public:
    virtual ~BrokerSink() = default;
    /// A publication of any node, this one included. May come for a channel in which this node has
    /// no interest; it is ignored then.
    virtual void on_message(BusMessage message) = 0;
    /// Publications on `channel` may have been lost before the next on_message().
    virtual void on_gap(const ChannelName& channel) = 0;
    /// The broker can or cannot be reached; `detail` is for people. From any thread.
    virtual void on_state(bool is_connected, std::string_view detail) = 0;
    /// What a node, this one included, has given to send_control(). From any thread.
    virtual void on_control(std::string_view message) = 0;
};

using SubscribeCallback = std::function<void()>;
/// Nothing: the message was sent. A receipt: it repeats another one, whose receipt this is.
using PublishCallback = std::function<void(Result<std::optional<PublishReceipt>>)>;

/// Carries bus messages between nodes. One per process. Every call about a channel comes from its
/// home shard; callbacks and BrokerSink are called there too, through the Executor given to
/// start(), or at once from within the call (memory).
/// At most once; a possible loss is reported through BrokerSink::on_gap, never hidden.
class Broker {
public:
    virtual ~Broker() = default;

    [[nodiscard]] virtual std::string_view name() const = 0;
    [[nodiscard]] virtual BrokerOrder order() const = 0;

    /// Whether it remembers idempotency keys itself, for all nodes. Else each node's core does.
    [[nodiscard]] virtual bool keeps_keys() const { return false; }

    /// Whether publishes can be taken right now.
    [[nodiscard]] virtual bool is_connected() const = 0;

    /// Starts connecting and returns at once. `sink` and `executor` outlive the broker.
    virtual void start(BrokerSink& sink, Executor& executor) = 0;
    /// Ends all connections. Each pending publish is answered with `unavailable` before this
    /// returns; nothing is called afterwards.
    virtual void stop() = 0;

    /// Adds this node's interest in `channel`. Idempotent; kept across reconnects. `confirmed` is
    /// called once, when publications from then on arrive; an unsubscribe() in between cancels it.
    virtual void subscribe(const ChannelName& channel, SubscribeCallback confirmed) = 0;
    /// Drops this node's interest. Idempotent. Messages under way may still arrive.
    virtual void unsubscribe(const ChannelName& channel) = 0;
    /// Sends `message` to every interested node, this one too. `done` is called exactly once: when
    /// the peer accepted it, or with `unavailable` (no peer within the publish timeout, queue full)
    /// or `broker_blocked` (the peer takes none at the moment) or `limit` (too large for the peer).
    /// The message may reach the sink before or after `done`.
    virtual void publish(BusMessage message, PublishCallback done) = 0;

    /// Sends a JSON object to every node, this one too (docs/protocol.md, section 7). At most once,
    /// and lost without a word while the broker is away. From any thread.
    virtual void send_control(std::string message) = 0;

    /// What this kind of broker counts, for /metrics. From any thread.
    [[nodiscard]] virtual std::vector<Figure> figures() const { return {}; }
};

}  // namespace roomcast

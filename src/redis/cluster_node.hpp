// SPDX-License-Identifier: Apache-2.0
// One node of a Cluster: a connection that is opened again when it is lost, with the channels that
// are subscribed to there.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/backoff.hpp"
#include "net/loop.hpp"
#include "redis/client.hpp"
#include "redis/connection.hpp"
#include "redis/counters.hpp"
#include "redis/handover.hpp"
#include "redis/subscriptions.hpp"

namespace roomcast::redis {

class ClusterNode;

/// Never called from within a call to the node.
class ClusterNodeSink {
public:
    virtual ~ClusterNodeSink() = default;
    /// To be followed by begin().
    virtual void on_node_ready(ClusterNode& node) = 0;
    /// It tries again by itself.
    virtual void on_node_lost(ClusterNode& node, const std::string& detail) = 0;
    /// True: the request is taken.
    virtual bool on_node_refused(ClusterNode& node, Request& request, const std::string& error) = 0;
    virtual void on_node_subscribed(ClusterNode& node,
                                    const std::string& channel,
                                    bool may_have_missed) = 0;
    virtual void on_node_subscribe_refused(ClusterNode& node,
                                           const std::string& channel,
                                           std::string_view error) = 0;
    virtual void on_node_message(ClusterNode& node,
                                 std::string_view channel,
                                 std::string_view payload) = 0;
    /// Published on its mark_channel().
    virtual void on_node_mark(ClusterNode& node, std::string_view text) = 0;
    virtual void on_node_batch_end() = 0;
};

class ClusterNode final : private ConnectionSink, private SubscriptionsSink {
public:
    /// Starts connecting. The references outlive it.
    ClusterNode(net::Loop& loop,
                const ClientOptions& options,
                net::Endpoint endpoint,
                Counters& counters,
                ClusterNodeSink& sink);
    ~ClusterNode() override;
    ClusterNode(const ClusterNode&) = delete;
    ClusterNode& operator=(const ClusterNode&) = delete;

    [[nodiscard]] const net::Endpoint& endpoint() const { return endpoint_; }

    [[nodiscard]] bool is_ready() const { return connection_ && connection_->is_ready(); }

    /// When ready.
    [[nodiscard]] const ServerFacts& server() const { return connection_->server(); }

    /// Answered with `not_sent` from within unless it is ready.
    void send(Request request);

    /// When ready: a channel that this connection alone hears.
    [[nodiscard]] const std::string& mark_channel() const { return connection_->mark_channel(); }

    [[nodiscard]] Subscriptions& subscriptions() { return subscriptions_; }

    /// Of the channels that have come here; they are forgotten when the connection is lost.
    [[nodiscard]] Handover& handover() { return handover_; }

    /// Lets subscriptions go out.
    void begin(bool is_sharded);
    /// Ends its connection and opens a new one a little later.
    void reconnect(const std::string& reason);
    /// For good.
    void stop(const std::string& reason);

    // For the client:
    bool is_owner = false;  // of a slot

private:
    void on_ready() override { sink_.on_node_ready(*this); }

    void on_message(std::string_view channel, std::string_view payload) override {
        sink_.on_node_message(*this, channel, payload);
    }

    void on_mark(std::string_view text) override { sink_.on_node_mark(*this, text); }

    void on_confirmed(Verb verb, const std::string& channel, bool is_asked) override {
        subscriptions_.on_confirmed(verb, channel, is_asked);
    }

    void on_subscribe_refused(Verb verb,
                              const std::vector<std::string>& channels,
                              const std::string& error) override;

    bool on_refused(Request& request, const std::string& error) override {
        return sink_.on_node_refused(*this, request, error);
    }

    void on_batch_end() override { sink_.on_node_batch_end(); }

    void on_lost(const Loss& loss) override;

    void on_subscribed(const std::string& channel, bool may_have_missed) override {
        sink_.on_node_subscribed(*this, channel, may_have_missed);
    }

    void on_subscribe_refused(const std::string& channel, std::string_view error) override {
        sink_.on_node_subscribe_refused(*this, channel, error);
    }

    void open();
    void drop(const std::string& reason);

    net::Loop& loop_;
    const ClientOptions& options_;
    const net::Endpoint endpoint_;
    Counters& counters_;
    ClusterNodeSink& sink_;
    net::Backoff backoff_;
    std::shared_ptr<Connection> connection_;
    Subscriptions subscriptions_;
    Handover handover_;
    TimerId retry_timer_;
    bool has_been_ready_ = false;
    bool is_stopped_ = false;
};

}  // namespace roomcast::redis

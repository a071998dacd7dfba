// SPDX-License-Identifier: Apache-2.0
#include "redis/cluster_node.hpp"

#include <utility>

#include "util/random.hpp"

namespace roomcast::redis {

ClusterNode::ClusterNode(net::Loop& loop,
                         const ClientOptions& options,
                         net::Endpoint endpoint,
                         Counters& counters,
                         ClusterNodeSink& sink)
    : loop_(loop),
      options_(options),
      endpoint_(std::move(endpoint)),
      counters_(counters),
      sink_(sink),
      backoff_(random_u64(), options_.longest_pause),
      subscriptions_(loop, *this),
      handover_(loop) {
    open();
}

ClusterNode::~ClusterNode() {
    stop("the node was dropped");
}

void ClusterNode::open() {
    has_been_ready_ = false;
    ConnectionOptions options = connection_options(options_, endpoint_, ServerKind::cluster);
    options.greeting.database = 0;
    connection_ = Connection::open(loop_, std::move(options), counters_, *this);
}

void ClusterNode::begin(bool is_sharded) {
    has_been_ready_ = true;
    backoff_.on_ready(loop_.now());
    subscriptions_.on_connected(*connection_, is_sharded);
}

void ClusterNode::send(Request request) {
    subscriptions_.flush();
    if (connection_) return connection_->send(std::move(request));
    counters_.calls_failed.add();
    request.fail(Fault::not_sent, "not connected with " + net::to_text(endpoint_));
}

void ClusterNode::on_subscribe_refused(Verb /*verb*/,
                                       const std::vector<std::string>& channels,
                                       const std::string& error) {
    subscriptions_.on_refused(channels, error);
}

void ClusterNode::on_lost(const Loss& loss) {
    drop(loss.reason);
    if (is_stopped_) return;  // by a call that was answered
    if (has_been_ready_) backoff_.on_lost(loop_.now());
    loop_.timers().cancel(retry_timer_);
    retry_timer_ =
        loop_.timers().add(loop_.now() + backoff_.next(loss.is_configuration), [this] { open(); });
    sink_.on_node_lost(*this, loss.reason + " (" + net::to_text(endpoint_) + ')');
}

void ClusterNode::reconnect(const std::string& reason) {
    if (connection_) on_lost({reason, false});
}

void ClusterNode::stop(const std::string& reason) {
    is_stopped_ = true;
    loop_.timers().cancel(retry_timer_);
    subscriptions_.clear();
    drop(reason);
}

void ClusterNode::drop(const std::string& reason) {
    subscriptions_.on_disconnected();
    handover_.clear();
    if (const auto dropped = std::exchange(connection_, nullptr)) dropped->close(reason);
}

}  // namespace roomcast::redis

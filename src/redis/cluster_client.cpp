// SPDX-License-Identifier: Apache-2.0
// Calls and channels; which node owns what is in cluster_slots.cpp.
#include "redis/cluster_client.hpp"

#include <utility>

#include "util/assert.hpp"

namespace roomcast::redis {

namespace {

constexpr std::chrono::milliseconds kRetryDelay{50};
/// A slot that moves is found with one or two; more is two nodes that each name the other.
constexpr std::uint8_t kMostRedirects = 8;

}  // namespace

ClusterClient::ClusterClient(net::Loop& loop, ClientOptions options)
    : loop_(loop),
      options_(std::move(options)),
      owners_(kSlots, nullptr) {
    ASSERT(!options_.address.endpoints.empty());
}

ClusterClient::~ClusterClient() {
    stop();
}

void ClusterClient::start(ClientSink& sink) {
    sink_ = &sink;
    open_seeds();
    arm_refresh();
}

void ClusterClient::stop() {
    sink_ = nullptr;
    is_connected_ = false;
    loop_.timers().cancel(refresh_timer_);
    std::ranges::fill(owners_, nullptr);
    channels_.clear();
    // They stay until the end of the client: this may be a call of one of them.
    for (const auto& [name, node] : nodes_)
        node->stop("the client was stopped");
    for (Delayed& delayed : std::exchange(delayed_, {})) {
        loop_.timers().cancel(delayed.timer);
        counters().calls_failed.add();
        delayed.request.fail(Fault::not_sent, "the client was stopped");
    }
}

void ClusterClient::reconnect(std::string_view reason) {
    for (const auto& [name, node] : nodes_) {
        // Through the loop, by name: a node may be gone by then, and so may this.
        loop_.post(
            [this, name = name, text = std::string(reason), alive = std::weak_ptr<int>(alive_)] {
                if (alive.expired()) return;
                if (const auto found = nodes_.find(name); found != nodes_.end()) {
                    found->second->reconnect(text);
                }
            });
    }
}

// ---- Calls ----

void ClusterClient::send(std::string_view key, Request request) {
    request.slot = key_slot(key);
    request.retried_until = loop_.now() + options_.call_deadline;
    if (ClusterNode* const owner = owners_[request.slot]) return owner->send(std::move(request));
    counters().calls_failed.add();
    request.fail(Fault::not_sent, problem_.empty() ? "not connected" : problem_);
}

bool ClusterClient::on_node_refused(ClusterNode& node, Request& request, const std::string& error) {
    if (!sink_ || loop_.now() >= request.retried_until) return false;
    if (delayed_.size() >= options_.pending_calls) return false;
    if (is_passing(error)) {
        delay(std::move(request), nullptr);
        return true;
    }
    const auto redirect = read_redirect(error, node.endpoint());
    if (!redirect || ++request.redirects > kMostRedirects) return false;
    counters().redirects.add();
    ClusterNode& to = node_at(redirect->to);
    if (!redirect->is_ask) {
        set_owner(redirect->slot, to);
        refresh(&to);  // where one slot has moved, others may have
    }
    request.is_asking = redirect->is_ask;
    follow(std::move(request), to);
    return true;
}

void ClusterClient::follow(Request request, ClusterNode& node) {
    if (!node.is_ready()) {
        ClusterNode* const only = request.is_asking ? &node : nullptr;
        return delay(std::move(request), only);
    }
    request.due = {};
    node.send(std::move(request));
}

void ClusterClient::delay(Request request, ClusterNode* to) {
    if (!to) request.is_asking = false;
    delayed_.push_back({std::move(request), to, {}});
    const auto delayed = std::prev(delayed_.end());
    delayed->timer =
        loop_.timers().add(loop_.now() + kRetryDelay, [this, delayed] { on_delay_over(delayed); });
}

void ClusterClient::on_delay_over(std::list<Delayed>::iterator delayed) {
    Request request = std::move(delayed->request);
    ClusterNode* const to = delayed->to ? delayed->to : owners_[request.slot];
    delayed_.erase(delayed);
    if (loop_.now() >= request.retried_until) {
        counters().calls_failed.add();
        // Each node has refused it: nothing was done.
        return request.fail(Fault::not_sent, "the owner of the slot was not reached in time");
    }
    if (to) return follow(std::move(request), *to);
    delay(std::move(request), nullptr);
}

// ---- Channels ----

std::uint16_t ClusterClient::slot_of(const std::string& channel, std::string_view key) const {
    return key_slot(is_sharded_ ? std::string_view(channel) : key);
}

void ClusterClient::subscribe(const std::string& channel, std::string_view key) {
    const auto [found, is_new] = channels_.try_emplace(channel);
    if (!is_new) return;
    Channel& added = found->second;
    added.key = key;
    added.slot = slot_of(channel, key);
    added.node = owners_[added.slot];
    if (added.node) added.node->subscriptions().add(channel);
}

void ClusterClient::unsubscribe(const std::string& channel) {
    const auto found = channels_.find(channel);
    if (found == channels_.end()) return;
    if (found->second.node) (void)found->second.node->subscriptions().remove(channel);
    channels_.erase(found);
}

void ClusterClient::move(const std::string& name, Channel& channel) {
    ClusterNode* const to = owners_[channel.slot];
    if (to == channel.node || !to) return;  // without an owner it stays and waits
    const bool was_live = channel.node && channel.node->subscriptions().remove(name);
    channel.node = to;
    to->subscriptions().add(name, was_live);
}

void ClusterClient::move_channels() {
    for (auto& [name, channel] : channels_)
        move(name, channel);
}

void ClusterClient::on_node_subscribed(const std::string& channel, bool may_have_missed) {
    if (sink_) sink_->on_subscribed(channel, may_have_missed);
}

void ClusterClient::on_node_subscribe_refused(ClusterNode& node,
                                              const std::string& channel,
                                              std::string_view error) {
    const auto redirect = read_redirect(error, node.endpoint());
    if (!redirect) {
        if (sink_ && !is_passing(error)) sink_->on_subscribe_refused(channel, error);
        return;
    }
    ClusterNode& to = node_at(redirect->to);
    set_owner(redirect->slot, to);
    refresh(&to);
    if (const auto found = channels_.find(channel); found != channels_.end()) {
        move(found->first, found->second);
    }
}

void ClusterClient::on_node_message(ClusterNode& node,
                                    std::string_view channel,
                                    std::string_view payload) {
    // While a channel moves both nodes may send it (plain channels are known to all nodes): only
    // the new one counts, so that nothing comes twice.
    const auto found = channels_.find(channel);
    if (sink_ && found != channels_.end() && found->second.node == &node) {
        sink_->on_message(channel, payload);
    }
}

void ClusterClient::on_node_batch_end() {
    if (sink_) sink_->on_batch_end();
}

}  // namespace roomcast::redis

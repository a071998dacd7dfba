// SPDX-License-Identifier: Apache-2.0
// Calls; channels are in cluster_channels.cpp, and which node owns what in cluster_slots.cpp.
#include "redis/cluster_client.hpp"

#include <utility>

#include "util/assert.hpp"

namespace roomcast::redis {

namespace {

constexpr std::chrono::milliseconds kRetryDelay{50};
/// A slot that moves is found with one or two; more is two nodes that each name the other.
constexpr std::uint8_t kMostRedirects = 8;

constexpr const char* kNotReached = "the owner of the slot was not reached in time";

/// PUBLISH is taken by every node, and then two gateways whose maps differ would make two orders.
/// With a key, the owner of the slot alone takes it, and the others say who that is.
const Script& publish_script() {
    static const Script kScript("return redis.call('PUBLISH', ARGV[1], ARGV[2])");
    return kScript;
}

ClientOptions with_publish_script(ClientOptions options) {
    options.scripts.push_back(&publish_script());
    return options;
}

}  // namespace

ClusterClient::ClusterClient(net::Loop& loop, ClientOptions options)
    : loop_(loop),
      options_(with_publish_script(std::move(options))),
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
    if (gates_.is_closed(request.slot)) return hold(std::move(request));
    if (ClusterNode* const owner = owners_[request.slot]) return owner->send(std::move(request));
    counters().calls_failed.add();
    request.fail(Fault::not_sent, problem_.empty() ? "not connected" : problem_);
}

void ClusterClient::publish(std::string_view channel,
                            std::string_view payload,
                            ReplyCallback done) {
    if (is_sharded_) return RequestClient::publish(channel, payload, std::move(done));
    const std::string keys[] = {"rc:{" + slot_tag(channel) + "}:publish"};  // never written
    const std::string arguments[] = {std::string(channel), std::string(payload)};
    eval(publish_script(), keys, arguments, std::move(done));
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

void ClusterClient::hold(Request request) {
    if (gates_.held_calls() < options_.pending_calls &&
        gates_.held_bytes() + request.size_bytes() <= options_.pending_bytes) {
        return gates_.hold(std::move(request));
    }
    counters().calls_failed.add();
    request.fail(Fault::not_sent, "too many calls wait for the new owner of their slot");
}

/// New calls to `slots` wait until `old_owner` has answered those that it has.
void ClusterClient::close_gates(ClusterNode& old_owner, std::vector<std::uint16_t> slots) {
    for (const std::uint16_t slot : slots)
        gates_.close(slot);
    // Answers come in the order of the calls.
    old_owner.send(make_call({"PING"}, [this, slots = std::move(slots)](const Reply&) {
        for (const std::uint16_t slot : slots)
            open_gate(slot);
    }));
}

void ClusterClient::open_gate(std::uint16_t slot) {
    for (Request& request : gates_.open(slot)) {
        if (sink_ && loop_.now() < request.retried_until) {
            follow(std::move(request));
        } else {
            counters().calls_failed.add();
            request.fail(Fault::not_sent, sink_ ? kNotReached : "the client was stopped");
        }
    }
}

/// To the owner of its slot, or later if there is none.
void ClusterClient::follow(Request request) {
    if (ClusterNode* const owner = owners_[request.slot]) return follow(std::move(request), *owner);
    delay(std::move(request), nullptr);
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
    ClusterNode* const to = delayed->to;
    delayed_.erase(delayed);
    if (loop_.now() >= request.retried_until) {
        counters().calls_failed.add();
        // Each node has refused it: nothing was done.
        return request.fail(Fault::not_sent, kNotReached);
    }
    if (to) return follow(std::move(request), *to);
    follow(std::move(request));
}

}  // namespace roomcast::redis

// SPDX-License-Identifier: Apache-2.0
#include "redis/direct_client.hpp"

#include <utility>

#include "util/assert.hpp"
#include "util/random.hpp"

namespace roomcast::redis {

namespace {

/// A server that was demoted keeps its connections for many seconds, and takes publications that
/// reach nobody.
constexpr std::chrono::seconds kRoleInterval{5};

std::string at(const std::string& reason, const net::Endpoint& endpoint) {
    return reason + " (" + net::to_text(endpoint) + ')';
}

}  // namespace

DirectClient::DirectClient(net::Loop& loop, ClientOptions options)
    : loop_(loop),
      options_(std::move(options)),
      backoff_(random_u64(), options_.longest_pause),
      subscriptions_(loop, *this) {
    ASSERT(!options_.address.endpoints.empty());
}

DirectClient::~DirectClient() {
    stop();
}

void DirectClient::start(ClientSink& sink) {
    sink_ = &sink;
    if (options_.address.mode == Mode::sentinel) {
        MasterFinderSink& finder_sink = *this;  // a private base, which make_unique() cannot see
        finder_ = std::make_unique<MasterFinder>(loop_, options_, finder_sink);
    }
    connect();
}

void DirectClient::stop() {
    sink_ = nullptr;
    if (finder_) finder_->stop();
    loop_.timers().cancel(retry_timer_);
    subscriptions_.clear();
    drop("the client was stopped");
}

void DirectClient::connect() {
    if (finder_) {
        // A sentinel may be cut off from the others, and name for ever what was the master once.
        return std::exchange(is_master_doubted_, false) ? finder_->ask_another() : finder_->ask();
    }
    open(options_.address.endpoints.front());
}

void DirectClient::open(const net::Endpoint& endpoint) {
    loop_.timers().cancel(retry_timer_);
    connection_ = Connection::open(
        loop_, connection_options(options_, endpoint, ServerKind::standalone), counters(), *this);
}

// ---- Calls ----

void DirectClient::send(std::string_view /*key*/, Request request) {
    subscriptions_.flush();
    if (connection_) return connection_->send(std::move(request));
    counters().calls_failed.add();
    request.fail(Fault::not_sent, "not connected");
}

bool DirectClient::on_refused(Request& /*request*/, const std::string& error) {
    // Demoted, and faster found out than by the next check.
    if (error.starts_with("READONLY")) reconnect(error);
    return false;
}

// ---- Subscriptions ----

void DirectClient::subscribe(const std::string& channel, std::string_view /*key*/) {
    subscriptions_.add(channel);
}

void DirectClient::unsubscribe(const std::string& channel) {
    (void)subscriptions_.remove(channel);
}

void DirectClient::on_confirmed(Verb verb, const std::string& channel, bool is_asked) {
    subscriptions_.on_confirmed(verb, channel, is_asked);
}

void DirectClient::on_subscribe_refused(Verb /*verb*/,
                                        const std::vector<std::string>& channels,
                                        const std::string& error) {
    subscriptions_.on_refused(channels, error);
}

void DirectClient::on_subscribed(const std::string& channel, bool may_have_missed) {
    if (sink_) sink_->on_subscribed(channel, may_have_missed);
}

void DirectClient::on_subscribe_refused(const std::string& channel, std::string_view error) {
    if (sink_) sink_->on_subscribe_refused(channel, error);
}

void DirectClient::on_message(std::string_view channel, std::string_view payload) {
    if (sink_) sink_->on_message(channel, payload);
}

void DirectClient::on_batch_end() {
    if (sink_) sink_->on_batch_end();
}

// ---- The connection ----

void DirectClient::on_ready() {
    backoff_.on_ready(loop_.now());
    arm_role_check();
    tell(true, net::to_text(connection_->endpoint()));
    // Told first; and the sink may have stopped the client.
    if (connection_) subscriptions_.on_connected(*connection_, false);
}

void DirectClient::on_lost(const Loss& loss) {
    const bool was_ready = is_told_connected_;
    is_master_doubted_ = !was_ready;
    const std::string detail = at(loss.reason, connection_->endpoint());
    drop(loss.reason);
    if (!sink_) return;
    if (was_ready) backoff_.on_lost(loop_.now());
    retry_later(loss.is_configuration);
    tell(false, detail);
}

void DirectClient::reconnect(std::string_view reason) {
    loop_.post([this, weak = std::weak_ptr<Connection>(connection_), text = std::string(reason)] {
        const auto connection = weak.lock();  // gone with the client, too
        if (connection && connection == connection_) on_lost({text, false});
    });
}

/// Ends the connection and answers its calls.
void DirectClient::drop(const std::string& reason) {
    loop_.timers().cancel(role_timer_);
    subscriptions_.on_disconnected();
    if (const auto dropped = std::exchange(connection_, nullptr)) dropped->close(reason);
}

void DirectClient::retry_later(bool is_configuration) {
    loop_.timers().cancel(retry_timer_);
    retry_timer_ =
        loop_.timers().add(loop_.now() + backoff_.next(is_configuration), [this] { connect(); });
}

void DirectClient::tell(bool is_connected, std::string detail) {
    if (is_connected == is_told_connected_ && detail == told_detail_) return;
    is_told_connected_ = is_connected;
    told_detail_ = std::move(detail);
    if (sink_) sink_->on_state(is_connected, told_detail_);
}

// ---- Which server is the master ----

void DirectClient::arm_role_check() {
    role_timer_ = loop_.timers().add(loop_.now() + kRoleInterval, [this] { check_role(); });
}

void DirectClient::check_role() {
    arm_role_check();
    connection_->send(make_call({"ROLE"}, [this](const Reply& reply) {
        // Errors: a right is missing, or the connection is lost, which is told anyway.
        if (!reply || reply->items.empty() || reply->items.front().text == "master") return;
        reconnect("the server is no master any more");
    }));
}

void DirectClient::on_master(const net::Endpoint& master) {
    if (connection_) {
        if (connection_->endpoint() == master) return;
        const std::string detail = "the master has moved to " + net::to_text(master);
        drop(detail);
        if (!sink_) return;
        tell(false, detail);
    }
    if (sink_) open(master);
}

void DirectClient::on_no_master(std::string_view reason) {
    if (connection_) return;  // no news of it is no reason to leave it
    retry_later(false);
    tell(false, std::string(reason));
}

}  // namespace roomcast::redis

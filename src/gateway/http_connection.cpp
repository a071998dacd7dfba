// SPDX-License-Identifier: Apache-2.0
#include "gateway/http_connection.hpp"

#include <string>
#include <utility>
#include <variant>

#include "gateway/shard_loop.hpp"
#include "gateway/websocket_session.hpp"
#include "http/router.hpp"
#include "util/log.hpp"

namespace roomcast {

namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

bool is_loopback(std::string_view address) {
    return address.starts_with("127.") || address == "::1";
}

/// As a connection beyond the limits gets it at once (ShardLoop::accept).
http::Response too_many_connections() {
    http::Response response = http::error_response(503, "too_many_clients", "too many connections");
    response.headers.push_back({"Retry-After", "5"});
    response.must_close = true;
    return response;
}

}  // namespace

HttpConnection::HttpConnection(Connection& connection)
    : connection_(connection),
      parser_(connection.loop().limits()) {
    enter(Phase::first_head);
}

void HttpConnection::enter(Phase phase) {
    phase_ = phase;
    const Limits& limits = connection_.loop().limits();
    const SteadyTime now = connection_.loop().now();
    switch (phase) {
        case Phase::first_head:
        case Phase::head:
            due_ = now + limits.handshake;
            break;
        case Phase::body:
            due_ = now + limits.body;
            break;
        case Phase::idle:
            due_ = now + limits.keep_alive;
            break;
        case Phase::answering:
            due_ = SteadyTime::max();
            break;  // answered within its own limits
    }
    connection_.wake_at(due_);
}

std::size_t HttpConnection::on_bytes(std::span<char> bytes) {
    using State = http::RequestParser::State;
    is_reading_ = true;
    std::size_t used = 0;
    // Pipelined requests wait while answers do: a client that reads none gets no more of them. The
    // connection offers the rest again once its outbox is empty.
    const auto is_congested = [this] {
        return connection_.queued_bytes() >= connection_.loop().outbox_limit();
    };
    while (used < bytes.size() && phase_ != Phase::answering && connection_.is_open() &&
           !is_congested()) {
        used += parser_.put({bytes.data() + used, bytes.size() - used});
        if (parser_.take_continue()) send(kContinue);
        switch (parser_.state()) {
            case State::idle:
                break;
            case State::head:
                if (phase_ == Phase::idle) enter(Phase::head);
                phase_ = Phase::head;  // the first head's deadline runs since the connection began
                break;
            case State::body:
                if (phase_ != Phase::body) enter(Phase::body);
                break;
            case State::complete:
                handle(parser_.take());
                break;
            case State::failed:
                is_last_ = true;
                is_head_request_ = false;  // whatever it was to be, its answer has a body
                respond(parser_.error());
                break;
        }
    }
    is_reading_ = false;
    return used;
}

void HttpConnection::handle(http::Request request) {
    ShardLoop& loop = connection_.loop();
    loop.metrics().http_requests.add();
    enter(Phase::answering);
    is_head_request_ = request.method == "HEAD";
    is_keep_alive_ = request.is_keep_alive;
    describe_peer(request);
    const bool is_operator = connection_.is_operator_listener();
    if (!is_operator && http::Router::is_upgrade_path(request.path())) {
        return handle_upgrade(request);
    }
    const http::Router& router =
        is_operator ? loop.options().operator_router : loop.options().router;
    // The connection owns this driver: holding one holds both.
    router.handle(std::move(request),
                  loop.shard().client(),
                  [this, connection = ConnectionPtr(&connection_)](const http::Response& response) {
                      respond(response);
                  });
}

void HttpConnection::handle_upgrade(const http::Request& request) {
    http::judge_upgrade(request,
                        connection_.loop().options().upgrade_policy,
                        [this,
                         connection = ConnectionPtr(&connection_),
                         client = request.peer_address](http::UpgradeVerdict verdict) {
                            if (!connection->is_open()) return;
                            auto* const accepted = std::get_if<http::UpgradeAccepted>(&verdict);
                            if (!accepted)
                                return refuse_upgrade(client, std::get<http::Response>(verdict));
                            if (!connection->belong_to(client)) {
                                connection->loop().metrics().connections_refused.add();
                                return respond(too_many_connections());
                            }
                            become_websocket(std::move(*accepted));
                        });
}

void HttpConnection::refuse_upgrade(const std::string& client, const http::Response& refusal) {
    ShardLoop& loop = connection_.loop();
    loop.metrics().handshakes_refused.add();
    static log::RateLimit limit(10, std::chrono::seconds(10));
    if (const auto suppressed = limit.admit(loop.now())) {
        const bool is_direct = client == connection_.peer_address();
        log::info("refused an upgrade",
                  {{"peer", is_direct ? connection_.peer() : client},
                   {"status", refusal.status},
                   {"answer", refusal.body},
                   {"suppressed", *suppressed}});
    }
    respond(refusal);
}

void HttpConnection::become_websocket(http::UpgradeAccepted accepted) {
    const GatewayOptions& options = connection_.loop().options();
    send(accepted.response);
    if (options.make_upgraded) {
        connection_.replace_driver(options.make_upgraded(connection_));
        return connection_.resume();
    }
    SessionOptions session;
    session.identity = std::move(accepted.identity);
    session.is_versioned = accepted.is_versioned;
    session.verifier = options.upgrade_policy.verifier;
    session.close_on_expiry = options.close_on_expiry;
    session.peer = connection_.peer();
    connection_.replace_driver(std::make_unique<WebSocketSession>(
        connection_, std::move(session), accepted.deflate_window_bits));
    connection_.resume();  // frames may have come behind the request
}

void HttpConnection::respond(const http::Response& response) {
    if (!connection_.is_open()) return;
    const bool is_kept =
        is_keep_alive_ && !is_last_ && !response.must_close && !connection_.loop().is_draining();
    send(http::serialize(response, is_kept, is_head_request_));
    if (!is_kept) return connection_.finish();
    enter(Phase::idle);
    if (!is_reading_) connection_.resume();
}

void HttpConnection::describe_peer(http::Request& request) const {
    std::string forwarded_for;
    bool is_forwarded = false;
    for (const http::Header& header : request.headers) {
        if (http::equals_ignoring_case(header.name, "x-forwarded-for")) {
            forwarded_for += forwarded_for.empty() ? header.value : ',' + header.value;
            is_forwarded = true;
        } else if (http::equals_ignoring_case(header.name, "forwarded") ||
                   http::equals_ignoring_case(header.name, "x-real-ip") ||
                   http::equals_ignoring_case(header.name, "via")) {
            is_forwarded = true;
        }
    }
    const std::string& peer = connection_.peer_address();
    request.peer_address =
        connection_.loop().options().trusted_proxies.client_address(peer, forwarded_for);
    // A proxy on this machine must not open the operator routes to the world.
    request.is_peer_loopback = is_loopback(peer) && !is_forwarded;
}

void HttpConnection::send(std::string_view bytes) {
    connection_.send_answer(make_local(FramePtr(Frame::make({}, bytes))));
}

void HttpConnection::on_peer_end() {
    is_last_ = true;  // a request that is being answered still gets its answer
    if (phase_ != Phase::answering) connection_.finish();
}

SteadyTime HttpConnection::on_deadline(SteadyTime now) {
    if (now < due_) return due_;
    if (phase_ == Phase::head || phase_ == Phase::body) {
        http::Response response;
        response.status = 408;
        response.body = R"({"error":"the request took too long to arrive","reason":"timeout"})";
        is_last_ = true;
        respond(response);
    } else {
        connection_.finish();
    }
    return SteadyTime::max();
}

void HttpConnection::on_slow() {
    connection_.abort();
}

void HttpConnection::on_drain() {
    is_last_ = true;
    if (phase_ == Phase::idle || phase_ == Phase::first_head) connection_.finish();
}

}  // namespace roomcast

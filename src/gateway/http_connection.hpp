// SPDX-License-Identifier: Apache-2.0
// A connection that speaks HTTP/1.1: one request after the other, until it closes or becomes a
// WebSocket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gateway/connection.hpp"
#include "http/request_parser.hpp"
#include "http/upgrade.hpp"
#include "util/clock.hpp"

namespace roomcast {

/// Owned by its connection. Pipelined requests are answered in their order: the next one is read
/// when the one before is answered.
class HttpConnection final : public ConnectionDriver {
public:
    explicit HttpConnection(Connection& connection);

    [[nodiscard]] std::size_t on_bytes(std::span<char> bytes) override;
    void on_peer_end() override;

    void on_end() override {}

    [[nodiscard]] SteadyTime on_deadline(SteadyTime now) override;
    void on_slow() override;
    void on_drain() override;

private:
    /// What is waited for, each with a total deadline: dripping bytes does not move it.
    enum class Phase : std::uint8_t { first_head, idle, head, body, answering };

    void enter(Phase phase);
    void handle(http::Request request);
    void handle_upgrade(const http::Request& request);
    void refuse_upgrade(const std::string& client, const http::Response& refusal);
    void respond(const http::Response& response);
    void become_websocket(http::UpgradeAccepted accepted);
    void describe_peer(http::Request& request) const;
    void send(std::string_view bytes);

    Connection& connection_;
    http::RequestParser parser_;
    Phase phase_ = Phase::first_head;
    SteadyTime due_;
    bool is_head_request_ = false;
    bool is_keep_alive_ = true;
    bool is_last_ = false;     // the next answer is the last
    bool is_reading_ = false;  // inside on_bytes(), which goes on by itself
};

}  // namespace roomcast

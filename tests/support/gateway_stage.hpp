// SPDX-License-Identifier: Apache-2.0
// A shard's loop whose clients have no sockets: what they say is handed to their connections, and
// what they are sent is counted and gone. For tests and micro-benchmarks of the whole way.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "brokers/memory.hpp"
#include "gateway/shard_loop.hpp"
#include "gateway/websocket_session.hpp"
#include "stores/memory.hpp"
#include "tests/support/test_hub.hpp"

namespace roomcast {

/// A client's text frame, or several of the same. Their mask is four zeros: unmasking costs the
/// same and changes nothing, so that the same bytes can be read again. Padded as a read buffer is.
class MaskedText {
public:
    explicit MaskedText(std::string_view text, std::size_t times = 1) {
        std::string frame(websocket::encode_header(websocket::Opcode::text, text.size()).bytes());
        frame[1] = static_cast<char>(frame[1] | 0x80);
        frame.append(4, '\0').append(text);
        for (std::size_t i = 0; i < times; ++i)
            bytes_ += frame;
        size_ = bytes_.size();
        bytes_.append(websocket::kMessagePadding, '\0');
    }

    [[nodiscard]] std::span<char> bytes() { return {bytes_.data(), size_}; }

private:
    std::string bytes_;
    std::size_t size_ = 0;
};

class GatewayStage {
public:
    explicit GatewayStage(Limits limits = {})
        : limits_(limits),
          hub_(broker_, store_, clock_, limits, 1),
          router_({.limits = limits_,
                   .server = view_,
                   .api_keys = api_keys_,
                   .cors_origins = policy_.cors_origins,
                   .rates = rates_}),
          loop_(hub_.shard(0), options_, state_) {}

    /// Runs `work` inside the loop's run(), where connections may be made and used.
    void run(const std::function<void()>& work) {
        loop_.post([this, &work](ShardLoop&) {
            work();
            clients_.clear();
            loop_.stop();
        });
        auto sink = std::make_unique<Sink>();
        sink_ = sink.get();
        loop_.run(std::move(sink));
    }

    /// A client after its upgrade. Lives until run() ends.
    ConnectionDriver& connect(std::string user_id) {
        const ConnectionPtr connection(new Connection(
            loop_, boost::asio::ip::tcp::socket(no_sockets_), "127.0.0.1", 1234, true, false));
        SessionOptions options;
        options.identity.user_id = std::move(user_id);
        auto driver = std::make_unique<WebSocketSession>(*connection, std::move(options), 0);
        ConnectionDriver& told = *driver;
        connection->start(std::move(driver), nullptr);
        (void)no_sockets_.poll();  // waiting for what it says fails at once
        no_sockets_.restart();
        clients_.push_back(connection);
        return told;
    }

    /// What the loop does once it has read: the core's turn, then all is sent.
    void turn() {
        while (loop_.shard().turn(clock_.steady())) {
        }
        while (!loop_.flusher().is_empty())
            loop_.flusher().flush_slice();
        loop_.shard().record_sent(clock_.steady());
    }

    /// `client` says `frames`, and everything that comes of it is sent.
    void say(ConnectionDriver& client, std::span<char> frames) {
        (void)client.on_bytes(frames);
        turn();
    }

    void subscribe(ConnectionDriver& client, std::string_view channel) {
        MaskedText command(R"({"type":"subscribe","channel":")" + std::string(channel) +
                           R"(","listen":["broadcast"]})");
        say(client, command.bytes());
    }

    [[nodiscard]] std::uint64_t sent_bytes() const { return sink_->sent_bytes; }

    [[nodiscard]] ShardMetrics& metrics() { return loop_.metrics(); }

private:
    struct Sink final : SendBatch {
        [[nodiscard]] std::string_view name() const override { return "sink"; }

        std::size_t send(std::span<Send> sends) override {
            for (Send& one : sends) {
                one.result = static_cast<long>(one.bytes.size());
                sent_bytes += one.bytes.size();
            }
            return sends.size();
        }

        std::uint64_t sent_bytes = 0;
    };

    struct NoView final : http::ServerView {
        [[nodiscard]] std::string unready_reason() const override { return {}; }

        [[nodiscard]] std::string metrics() const override { return {}; }

        [[nodiscard]] std::string stats() const override { return {}; }

        [[nodiscard]] std::string config() const override { return {}; }
    };

    const Limits limits_;
    ManualClock clock_;
    MemoryBroker broker_;
    MemoryPresenceStore store_{clock_, 1};
    TestHub hub_;
    const NoView view_;
    const ApiKeys api_keys_;
    const http::UpgradePolicy policy_{.allowed_origins = *OriginList::parse("*"),
                                      .cors_origins = *OriginList::parse("*"),
                                      .token_cookie = {}};
    http::RequestRates rates_{{.per_second = 0, .burst = 0}, clock_};
    const http::Router router_;
    const TrustedProxies proxies_;
    GatewayState state_;
    const GatewayOptions options_{.limits = limits_,
                                  .address = {},
                                  .operator_address = {},
                                  .router = router_,
                                  .operator_router = router_,
                                  .upgrade_policy = policy_,
                                  .trusted_proxies = proxies_,
                                  .tls = nullptr};
    ShardLoop loop_;
    boost::asio::io_context no_sockets_;  // carries sockets that are never opened
    std::vector<ConnectionPtr> clients_;
    Sink* sink_ = nullptr;
};

}  // namespace roomcast

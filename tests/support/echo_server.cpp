// SPDX-License-Identifier: Apache-2.0
// Sends every WebSocket message back, through the gateway's own loop, connection, outbox and codec:
// what the Autobahn testsuite's fuzzing client needs (script/autobahn). Listens on 127.0.0.1:PORT,
// PORT being the only argument, and takes connections to /ws?user_id=NAME until SIGTERM.
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "auth/api_keys.hpp"
#include "auth/origin.hpp"
#include "brokers/memory.hpp"
#include "codec/websocket.hpp"
#include "gateway/connection.hpp"
#include "gateway/gateway.hpp"
#include "http/router.hpp"
#include "protocol/native.hpp"
#include "stores/memory.hpp"
#include "util/random.hpp"

namespace roomcast {
namespace {

constexpr std::size_t kMebi = 1'048'576;
constexpr std::uint16_t kGoingAway = 1001;

class EchoDriver final : public ConnectionDriver {
public:
    EchoDriver(Connection& connection, const websocket::ReaderLimits& limits)
        : connection_(connection),
          reader_(limits) {}

    [[nodiscard]] std::size_t on_bytes(std::span<char> bytes) override {
        std::span<char> input = bytes;
        while (connection_.is_open()) {
            const websocket::Event event = reader_.next(input);
            std::visit([this](const auto& one) { on_event(one); }, event);
            if (std::holds_alternative<websocket::NeedMore>(event)) break;
        }
        return bytes.size() - input.size();
    }

    void on_peer_end() override { connection_.abort(); }

    void on_end() override {}

    [[nodiscard]] SteadyTime on_deadline(SteadyTime) override { return SteadyTime::max(); }

    void on_slow() override { connection_.abort(); }

    void on_drain() override { finish(websocket::encode_close(kGoingAway, {})); }

private:
    void on_event(websocket::NeedMore) {}

    void on_event(const websocket::Message& message) {
        const auto opcode = message.is_text ? websocket::Opcode::text : websocket::Opcode::binary;
        const websocket::FrameHeader header =
            websocket::encode_header(opcode, message.payload.size());
        connection_.send_answer(make_local(FramePtr(Frame::make(header.bytes(), message.payload))));
    }

    void on_event(const websocket::Ping& ping) { send(websocket::encode_pong(ping.payload)); }

    void on_event(websocket::Pong) {}

    void on_event(const websocket::Close& close) {
        finish(close.code ? websocket::encode_close(*close.code, {}) : websocket::encode_close());
    }

    void on_event(const websocket::Error& error) {
        finish(websocket::encode_close(error.code, error.text));
    }

    void send(std::string_view frame) {
        connection_.send_answer(make_local(FramePtr(Frame::make({}, frame))));
    }

    void finish(std::string_view frame) {
        send(frame);
        connection_.finish();
    }

    Connection& connection_;
    websocket::Reader reader_;
};

/// Nobody asks for these here.
class NoView final : public http::ServerView {
public:
    [[nodiscard]] std::string unready_reason() const override { return {}; }

    [[nodiscard]] std::string metrics() const override { return {}; }

    [[nodiscard]] std::string stats() const override { return "{}"; }

    [[nodiscard]] std::string config() const override { return "{}"; }
};

int serve(std::uint16_t port) {
    Limits limits;
    // The largest case has 16 MiB, and one of 4 MiB comes in fragments of 64 bytes.
    limits.message_bytes = 16 * kMebi;
    limits.fragments = kMebi;
    limits.connections = 1'000;
    limits.outbox_stall = std::chrono::seconds(60);
    const SystemClock clock;
    const NativeDialect dialect(limits);
    MemoryBroker broker;
    MemoryPresenceStore store(clock, 1);
    const NoView view;
    const ApiKeys keys;
    http::RequestRates rates({.per_second = 0, .burst = 0}, clock);
    const http::Router router({.limits = limits,
                               .server = view,
                               .api_keys = keys,
                               .cors_origins = *OriginList::parse("*"),
                               .rates = rates});
    const http::UpgradePolicy policy{.verifier = nullptr,
                                     .allowed_origins = *OriginList::parse("*"),
                                     .cors_origins = *OriginList::parse("*"),
                                     .token_cookie = {},
                                     .user_bytes = limits.user_bytes};
    const TrustedProxies proxies;
    const websocket::ReaderLimits reader_limits{limits.message_bytes, limits.fragments};
    Gateway gateway({.limits = limits,
                     .address = {.host = "127.0.0.1", .port = port},
                     .operator_address = {},
                     .router = router,
                     .operator_router = router,
                     .upgrade_policy = policy,
                     .trusted_proxies = proxies,
                     .tls = nullptr,
                     .make_upgraded =
                         [&reader_limits](Connection& connection) {
                             return std::make_unique<EchoDriver>(connection, reader_limits);
                         }},
                    {.limits = limits,
                     .clock = clock,
                     .dialect = dialect,
                     .broker = broker,
                     .presence = store,
                     .node_id = NodeId{random_u64()},
                     .node_name = "echo",
                     .server_version = "echo"});
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stops, nullptr);  // the loops' threads inherit it
    (void)std::signal(SIGPIPE, SIG_IGN);
    if (const auto opened = gateway.open(); !opened) {
        std::cerr << opened.error() << std::endl;
        return 1;
    }
    gateway.start();
    std::cout << "ready addr=" << gateway.address() << std::endl;
    int signal = 0;
    sigwait(&stops, &signal);
    gateway.stop();
    return 0;
}

}  // namespace
}  // namespace roomcast

int main(int count, char** arguments) {
    const std::string_view text = count == 2 ? arguments[1] : "";
    std::uint16_t port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) {
        std::cerr << "usage: autobahn_echo_server PORT" << std::endl;
        return 2;
    }
    return roomcast::serve(port);
}

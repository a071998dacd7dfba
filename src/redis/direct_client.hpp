// SPDX-License-Identifier: Apache-2.0
// One server: that of the address, or the master that sentinels name.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/backoff.hpp"
#include "net/loop.hpp"
#include "redis/connection.hpp"
#include "redis/master_finder.hpp"
#include "redis/request_client.hpp"
#include "redis/subscriptions.hpp"

namespace roomcast::redis {

class DirectClient final : public RequestClient,
                           private ConnectionSink,
                           private SubscriptionsSink,
                           private MasterFinderSink {
public:
    DirectClient(net::Loop& loop, ClientOptions options);
    ~DirectClient() override;
    DirectClient(const DirectClient&) = delete;
    DirectClient& operator=(const DirectClient&) = delete;

    void start(ClientSink& sink) override;
    void stop() override;

    [[nodiscard]] bool is_connected() const override {
        return connection_ && connection_->is_ready();
    }

    [[nodiscard]] std::string_view publish_command() const override { return "PUBLISH"; }

    void subscribe(const std::string& channel, std::string_view key) override;
    void unsubscribe(const std::string& channel) override;
    void reconnect(std::string_view reason) override;

private:
    // ConnectionSink
    void on_ready() override;
    void on_message(std::string_view channel, std::string_view payload) override;
    void on_confirmed(Verb verb, const std::string& channel, bool is_asked) override;
    void on_subscribe_refused(Verb verb,
                              const std::vector<std::string>& channels,
                              const std::string& error) override;
    bool on_refused(Request& request, const std::string& error) override;
    void on_batch_end() override;
    void on_lost(const Loss& loss) override;

    // SubscriptionsSink
    void on_subscribed(const std::string& channel, bool may_have_missed) override;
    void on_subscribe_refused(const std::string& channel, std::string_view error) override;

    // MasterFinderSink
    void on_master(const net::Endpoint& master) override;
    void on_no_master(std::string_view reason) override;

    void connect();
    void open(const net::Endpoint& endpoint);
    void send(std::string_view key, Request request) override;
    void arm_role_check();
    void check_role();
    void drop(const std::string& reason);
    void retry_later(bool is_configuration);
    void tell(bool is_connected, std::string detail);

    net::Loop& loop_;
    const ClientOptions options_;
    net::Backoff backoff_;
    ClientSink* sink_ = nullptr;  // while started
    std::unique_ptr<MasterFinder> finder_;
    bool is_master_doubted_ = false;  // the one that was named last could not be connected with
    std::shared_ptr<Connection> connection_;
    Subscriptions subscriptions_;
    TimerId retry_timer_;
    TimerId role_timer_;
    bool is_told_connected_ = false;
    std::string told_detail_;
};

}  // namespace roomcast::redis

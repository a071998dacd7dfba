// SPDX-License-Identifier: Apache-2.0
// The embedded broker of a single node: the home shard of a channel is the broker.
#pragma once

#include <atomic>

#include "brokers/broker.hpp"

namespace roomcast {

/// Without threads, locks and state: a publication is handed to the sink from within publish(), on
/// the home shard, and so in the one order of its channel.
class MemoryBroker final : public Broker {
public:
    [[nodiscard]] std::string_view name() const override { return "memory"; }

    [[nodiscard]] BrokerOrder order() const override { return BrokerOrder::per_channel; }

    [[nodiscard]] bool is_connected() const override { return is_started_; }

    void start(BrokerSink& sink, Executor& executor) override;

    void stop() override { is_started_ = false; }

    void subscribe(const ChannelName& channel, SubscribeCallback confirmed) override;

    void unsubscribe(const ChannelName& /*channel*/) override {}

    void publish(BusMessage message, PublishCallback done) override;

    void send_control(std::string message) override;

private:
    BrokerSink* sink_ = nullptr;
    std::atomic<bool> is_started_ = false;  // asked by the readiness probe of any shard
};

}  // namespace roomcast

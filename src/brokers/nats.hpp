// SPDX-License-Identifier: Apache-2.0
// The broker on NATS: one subject for each channel, at most once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brokers/broker.hpp"
#include "brokers/home_side.hpp"
#include "brokers/nats_options.hpp"
#include "brokers/nats_subject.hpp"
#include "brokers/nats_worker.hpp"
#include "net/event_loop.hpp"

namespace roomcast {

/// Publishes on the subject of a channel and subscribes to those in which this node has an
/// interest, through one connection, so that an echo comes back on the way of all others. NATS
/// keeps the order of each publishing node. An answer means that the server has handled the
/// publication.
class NatsBroker final : public Broker, private NatsReports {
public:
    /// `loop` outlives the broker.
    NatsBroker(NatsBrokerOptions options, net::EventLoop& loop);
    ~NatsBroker() override;

    [[nodiscard]] std::string_view name() const override { return "nats"; }

    [[nodiscard]] BrokerOrder order() const override { return BrokerOrder::per_node; }

    [[nodiscard]] bool is_connected() const override { return worker_->is_connected(); }

    void start(BrokerSink& sink, Executor& executor) override;
    void stop() override;
    void subscribe(const ChannelName& channel, SubscribeCallback confirmed) override;
    void unsubscribe(const ChannelName& channel) override;
    void publish(BusMessage message, PublishCallback done) override;
    void send_control(std::string message) override;
    [[nodiscard]] std::vector<Figure> figures() const override;

private:
    void on_message(const ChannelName& channel, std::string_view body, bool has_followers) override;
    void on_control(std::string_view body) override;
    void on_gap(const ChannelName& channel) override;
    void on_confirmed(const ChannelName& channel, std::uint64_t attempt) override;
    void on_answers(std::span<const PublishTicket> tickets,
                    Result<std::optional<PublishReceipt>> result) override;
    void on_round_trip() override;
    void on_state(bool is_connected, std::string_view detail) override;

    void hand_over_soon();

    net::EventLoop& loop_;
    const HomeSideLimits limits_;
    const NatsSubjects subjects_;
    const std::shared_ptr<NatsWorker> worker_;
    BrokerSink* sink_ = nullptr;
    std::unique_ptr<HomeSide> homes_;
    // A lock, because the worker and the library's threads put mail that the loop hands over.
    std::mutex mail_mutex_;
    bool is_handing_over_soon_ = false;
    std::atomic<std::uint64_t> gaps_{0};
};

}  // namespace roomcast

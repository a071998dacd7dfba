// SPDX-License-Identifier: Apache-2.0
// A broker that answers when the test says so.
#pragma once

#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "brokers/broker.hpp"

namespace roomcast {

/// Single-threaded. Each call waits in a queue until the test lets it through; with `is_instant` it
/// is answered from within the call, as the embedded broker does.
class FakeBroker final : public Broker {
public:
    explicit FakeBroker(bool is_instant = false) : is_instant_(is_instant) {}

    [[nodiscard]] std::string_view name() const override { return "fake"; }

    [[nodiscard]] BrokerOrder order() const override { return BrokerOrder::per_channel; }

    [[nodiscard]] bool is_connected() const override { return is_connected_; }

    void start(BrokerSink& sink, Executor&) override { sink_ = &sink; }

    void stop() override { refuse_publishes(Errc::unavailable); }

    void subscribe(const ChannelName& channel, SubscribeCallback confirmed) override {
        subscribed_.insert(std::string(channel.text()));
        ++subscribes_;
        confirms_.emplace_back(channel, std::move(confirmed));
        if (is_instant_) confirm_all();
    }

    void unsubscribe(const ChannelName& channel) override {
        subscribed_.erase(std::string(channel.text()));
        std::erase_if(confirms_, [&](const auto& each) { return each.first == channel; });
    }

    void publish(BusMessage message, PublishCallback done) override {
        publishes_.emplace_back(std::move(message), std::move(done));
        if (is_instant_) deliver_all();
    }

    void send_control(std::string message) override {
        control_.push_back(message);
        sink_->on_control(message);
    }

    void confirm_all() {
        while (!confirms_.empty()) {
            const auto confirmed = std::move(confirms_.front().second);
            confirms_.pop_front();
            confirmed();
        }
    }

    /// Delivers and acknowledges every publish that waits.
    void deliver_all() {
        while (!publishes_.empty()) {
            auto [message, done] = std::move(publishes_.front());
            publishes_.pop_front();
            sink_->on_message(std::move(message));
            done({});
        }
    }

    void refuse_publishes(Errc error) {
        while (!publishes_.empty()) {
            const auto done = std::move(publishes_.front().second);
            publishes_.pop_front();
            done(error);
        }
    }

    [[nodiscard]] BrokerSink& sink() { return *sink_; }

    [[nodiscard]] const std::set<std::string>& subscribed() const { return subscribed_; }

    [[nodiscard]] int subscribes() const { return subscribes_; }

    [[nodiscard]] std::size_t waiting_publishes() const { return publishes_.size(); }

    [[nodiscard]] const std::vector<std::string>& control() const { return control_; }

    void set_instant(bool is_instant) { is_instant_ = is_instant; }

    void set_connected(bool is_connected) { is_connected_ = is_connected; }

private:
    bool is_instant_;
    bool is_connected_ = true;
    BrokerSink* sink_ = nullptr;
    std::set<std::string> subscribed_;
    int subscribes_ = 0;
    std::vector<std::string> control_;
    std::deque<std::pair<ChannelName, SubscribeCallback>> confirms_;
    std::deque<std::pair<BusMessage, PublishCallback>> publishes_;
};

}  // namespace roomcast

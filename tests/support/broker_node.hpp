// SPDX-License-Identifier: Apache-2.0
// A broker as one node of a cluster has it: with its threads, and all that it was told.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "brokers/broker.hpp"
#include "net/event_loop.hpp"
#include "tests/contract/contract.hpp"
#include "tests/support/child_process.hpp"

namespace roomcast::test {

/// On one home, so that all that it hears is in one order.
class BrokerNode final : public BrokerSink {
public:
    using Make = std::function<std::unique_ptr<Broker>(net::EventLoop& loop)>;
    using Answer = Result<std::optional<PublishReceipt>>;
    using Answers = Notes<Answer>;

    explicit BrokerNode(const Make& make) : broker_(make(loop_)) { broker_->start(*this, homes_); }

    ~BrokerNode() override { stop(); }

    BrokerNode(const BrokerNode&) = delete;
    BrokerNode& operator=(const BrokerNode&) = delete;

    void stop() {
        if (std::exchange(is_stopped_, true)) return;
        homes_.stop();  // as the hub does: loops first, then the broker
        broker_->stop();
    }

    void on_message(BusMessage message) override { heard_.add(std::move(message.event)); }

    void on_gap(const ChannelName& channel) override {
        heard_.add("gap of " + std::string(channel.text()));
    }

    void on_state(bool is_connected, std::string_view detail) override {
        states_.add({is_connected, std::string(detail)});
    }

    void on_control(std::string_view /*message*/) override {}

    [[nodiscard]] bool is_connected() const { return broker_->is_connected(); }

    /// Waits until it is connected.
    [[nodiscard]] bool connects() {
        return eventually([this] { return is_connected(); });
    }

    /// Subscribes; see confirmed().
    void ask_for(const ChannelName& channel) {
        homes_.run(channel, [&] { broker_->subscribe(channel, [this] { confirmed_.add(true); }); });
    }

    /// Subscribes and waits until the broker has confirmed.
    [[nodiscard]] bool subscribes(const ChannelName& channel) {
        const std::size_t before = confirmed_.all().size();
        ask_for(channel);
        return confirmed_.wait_for(before + 1);
    }

    void unsubscribe(const ChannelName& channel) {
        homes_.run(channel, [&] { broker_->unsubscribe(channel); });
    }

    /// Runs `work` on the channel's home and does not wait for it.
    void occupy(const ChannelName& channel, std::function<void()> work) {
        homes_.post(channel, std::move(work));
    }

    /// `answers` gets the answer.
    void publish(const ChannelName& channel,
                 const std::string& event,
                 const std::shared_ptr<Answers>& answers,
                 const std::string& payload = "{}") {
        homes_.run(channel, [&] {
            BusMessage message;
            message.channel = channel;
            message.event = event;
            message.payload = payload;
            broker_->publish(std::move(message),
                             [answers](const Answer& answer) { answers->add(answer); });
        });
    }

    /// Publishes and waits for the answer.
    Answer publishes(const ChannelName& channel,
                     const std::string& event,
                     const std::string& payload = "{}") {
        const auto answers = std::make_shared<Answers>();
        publish(channel, event, answers, payload);
        if (answers->wait_for(1)) return answers->all().front();
        ADD_FAILURE() << "no answer to " << event;
        return Errc::unavailable;
    }

    [[nodiscard]] Broker& broker() { return *broker_; }

    [[nodiscard]] Notes<bool>& confirmed() { return confirmed_; }

    /// The event of each message, and "gap of " with the channel's name, in their order.
    [[nodiscard]] Notes<std::string>& heard() { return heard_; }

    [[nodiscard]] std::vector<std::pair<bool, std::string>> states() { return states_.all(); }

    /// What was said last of its state; waits for the first.
    [[nodiscard]] std::string last_detail() {
        return states_.wait_for(1) ? states_.all().back().second : "nothing was said";
    }

    [[nodiscard]] double figure(std::string_view name) const {
        for (const Figure& figure : broker_->figures()) {
            if (figure.name == name) return figure.value;
        }
        ADD_FAILURE() << "no figure " << name;
        return 0;
    }

private:
    Notes<bool> confirmed_;
    Notes<std::string> heard_;
    Notes<std::pair<bool, std::string>> states_;
    net::EventLoop loop_{"bus"};
    HomeThreads homes_{1};
    std::unique_ptr<Broker> broker_;
    bool is_stopped_ = false;
};

}  // namespace roomcast::test

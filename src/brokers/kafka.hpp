// SPDX-License-Identifier: Apache-2.0
// The broker on Kafka: one topic, whose end every node follows.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "brokers/broker.hpp"
#include "brokers/broker_state.hpp"
#include "brokers/home_side.hpp"
#include "brokers/kafka_consumer.hpp"
#include "brokers/kafka_mail.hpp"
#include "brokers/kafka_options.hpp"
#include "brokers/kafka_publisher.hpp"
#include "brokers/kafka_watcher.hpp"

namespace roomcast {

/// Publishes to one topic with the channel as the key, and reads all of its partitions, passing by
/// what is of no interest here. A channel's publications are in one partition, which is their
/// order; an echo comes back on the way of all others. Kafka keeps what was published: an outage
/// delays deliveries, and loses them only when it outlasts what Kafka keeps.
class KafkaBroker final : public Broker, private kafka::ConsumerEvents {
public:
    explicit KafkaBroker(KafkaBrokerOptions options);
    ~KafkaBroker() override;

    [[nodiscard]] std::string_view name() const override { return "kafka"; }

    [[nodiscard]] BrokerOrder order() const override { return BrokerOrder::per_channel; }

    [[nodiscard]] bool is_connected() const override { return state_.is_connected(); }

    void start(BrokerSink& sink, Executor& executor) override;
    void stop() override;
    void subscribe(const ChannelName& channel, SubscribeCallback confirmed) override;
    void unsubscribe(const ChannelName& channel) override;
    void publish(BusMessage message, PublishCallback done) override;
    void send_control(std::string message) override;
    [[nodiscard]] std::vector<Figure> figures() const override;

private:
    // All of this on the broker's thread:

    void run();
    void take_mail();
    void on(const kafka::Publish& publish);
    void on(const kafka::Control& control);
    void on(const kafka::Subscribe& subscribe);
    void on(const kafka::Unsubscribe& unsubscribe);
    void on(kafka::ClientsMade& made);
    void on(const kafka::Found& found);
    void on(const kafka::Unreachable& unreachable);

    void on_control(std::string_view body) override;
    void on_lost(std::int32_t partition) override;

    [[nodiscard]] kafka::OnTrouble trouble_taker();
    void note_trouble(rd_kafka_resp_err_t error, std::string_view text);
    void check_producer();
    void update_state();
    [[nodiscard]] std::chrono::milliseconds time_to_sleep();

    const KafkaBrokerOptions options_;
    const std::shared_ptr<kafka::Inbox> inbox_;
    kafka::Publisher publisher_;
    kafka::Consumer consumer_;
    const std::shared_ptr<kafka::Watcher> watcher_;
    BrokerSink* sink_ = nullptr;
    std::unique_ptr<HomeSide> homes_;
    std::thread thread_;

    // the thread's
    std::vector<kafka::Mail> taken_;
    bool is_reachable_ = false;
    bool is_replacing_producer_ = false;
    rd_kafka_resp_err_t trouble_ = RD_KAFKA_RESP_ERR_NO_ERROR;
    std::string trouble_text_;  // what the library has said since the cluster answered last
    std::string why_unreachable_;

    BrokerState state_;
    std::atomic<bool> is_stopping_{false};
    std::atomic<std::uint64_t> connections_lost_{0};
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Others that use the topic of a test.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "brokers/kafka_client.hpp"

namespace roomcast::test {

struct IgnoreEvents final : kafka::ProducerEvents {
    void on_trouble(rd_kafka_resp_err_t /*error*/, std::string_view /*text*/) override {}

    void on_delivered(std::uint64_t /*id*/, rd_kafka_resp_err_t /*error*/) override {}
};

/// Another program that writes to the topic.
class KafkaFeed {
public:
    explicit KafkaFeed(const KafkaBrokerOptions& options)
        : topic_(options.access.topic),
          client_(*kafka::make_producer(options, events_)) {}

    /// An empty key is none.
    void put(const std::string& key, const std::string& body) {
        rd_kafka_producev(client_.get(),
                          RD_KAFKA_V_TOPIC(topic_.c_str()),
                          RD_KAFKA_V_KEY(key.empty() ? nullptr : key.data(), key.size()),
                          RD_KAFKA_V_VALUE(const_cast<char*>(body.data()), body.size()),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_END);
    }

    void flush() {
        const auto error = rd_kafka_flush(client_.get(), 10'000);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error));
    }

private:
    const std::string topic_;
    IgnoreEvents events_;
    const kafka::Client client_;
};

/// An operator.
class KafkaAdmin {
public:
    explicit KafkaAdmin(const KafkaBrokerOptions& options)
        : topic_(options.access.topic),
          client_(*kafka::make_producer(options, events_)) {}

    /// Makes it so many partitions.
    void grow(std::size_t partitions) {
        std::array<char, 256> text{};
        rd_kafka_NewPartitions_t* change =
            rd_kafka_NewPartitions_new(topic_.c_str(), partitions, text.data(), text.size());
        ask([&](rd_kafka_queue_t* answers) {
            rd_kafka_CreatePartitions(client_.get(), &change, 1, nullptr, answers);
        });
        rd_kafka_NewPartitions_destroy(change);
    }

    /// With all that stands in it.
    void remove() {
        rd_kafka_DeleteTopic_t* topic = rd_kafka_DeleteTopic_new(topic_.c_str());
        ask([&](rd_kafka_queue_t* answers) {
            rd_kafka_DeleteTopics(client_.get(), &topic, 1, nullptr, answers);
        });
        rd_kafka_DeleteTopic_destroy(topic);
    }

private:
    void ask(const std::function<void(rd_kafka_queue_t*)>& call) {
        rd_kafka_queue_t* const answers = rd_kafka_queue_new(client_.get());
        call(answers);
        rd_kafka_event_t* const answer = rd_kafka_queue_poll(answers, 10'000);
        const std::string error = !answer ? "no answer"
                                  : rd_kafka_event_error(answer)
                                      ? rd_kafka_event_error_string(answer)
                                      : "";
        if (answer) rd_kafka_event_destroy(answer);
        rd_kafka_queue_destroy(answers);
        if (!error.empty()) throw std::runtime_error(error);
    }

    const std::string topic_;
    IgnoreEvents events_;
    const kafka::Client client_;
};

}  // namespace roomcast::test

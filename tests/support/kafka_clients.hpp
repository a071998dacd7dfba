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
        std::array<rd_kafka_vu_t, 4> parts{};
        parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
        parts[0].u.cstr = topic_.c_str();
        parts[1].vtype = RD_KAFKA_VTYPE_KEY;
        parts[1].u.mem = {const_cast<char*>(key.empty() ? nullptr : key.data()), key.size()};
        parts[2].vtype = RD_KAFKA_VTYPE_VALUE;
        parts[2].u.mem = {const_cast<char*>(body.data()), body.size()};
        parts[3].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
        parts[3].u.i = RD_KAFKA_MSG_F_COPY;
        rd_kafka_error_t* const error =
            rd_kafka_produceva(client_.get(), parts.data(), parts.size());
        if (!error) return;
        const std::string text = rd_kafka_error_string(error);
        rd_kafka_error_destroy(error);
        throw std::runtime_error(text);
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

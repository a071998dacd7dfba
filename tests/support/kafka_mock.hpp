// SPDX-License-Identifier: Apache-2.0
// A Kafka of the library's own, for tests: brokers on 127.0.0.1, in this process.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "brokers/kafka_client.hpp"
#include "brokers/kafka_options.hpp"

namespace roomcast::test {

class KafkaMock {
public:
    static constexpr int kBrokers = 3;
    static constexpr int kPartitions = 4;

    /// Requests of the protocol, for faults.
    static constexpr std::int16_t kProduce = 0;
    static constexpr std::int16_t kFetch = 1;
    static constexpr std::int16_t kInitProducerId = 22;

    KafkaMock()
        : client_(make_client()),
          cluster_(rd_kafka_mock_cluster_new(client_.get(), kBrokers)) {}

    /// A topic with partitions that are led by all brokers in turn.
    void create(const std::string& topic) {
        check(rd_kafka_mock_topic_create(cluster_.get(), topic.c_str(), kPartitions, kBrokers));
    }

    [[nodiscard]] KafkaBrokerOptions options(const std::string& topic) const {
        KafkaBrokerOptions options;
        options.access.servers =
            *kafka::parse_servers(rd_kafka_mock_cluster_bootstraps(cluster_.get()));
        options.access.topic = topic;
        // These brokers answer when that time is over, and not when something arrives.
        options.fetch_wait = std::chrono::milliseconds(10);
        // They keep 5 MB of each partition: who publishes more at once may lose the first of it.
        options.limits.pending_publishes = 4'096;
        return options;
    }

    /// All brokers close their connections and take no new ones.
    void go_down() { check(rd_kafka_mock_broker_set_down(cluster_.get(), -1)); }

    void come_up() { check(rd_kafka_mock_broker_set_up(cluster_.get(), -1)); }

    void set_round_trip(std::chrono::milliseconds time) {
        check(rd_kafka_mock_broker_set_rtt(cluster_.get(), -1, static_cast<int>(time.count())));
    }

    void move_leaders(const std::string& topic, std::int32_t broker) {
        for (std::int32_t partition = 0; partition < kPartitions; ++partition)
            set_leader(topic, partition, broker);
    }

    /// `broker` is 1 to kBrokers, or -1: none.
    void set_leader(const std::string& topic, std::int32_t partition, std::int32_t broker) {
        check(rd_kafka_mock_partition_set_leader(cluster_.get(), topic.c_str(), partition, broker));
    }

    void set_topic_error(const std::string& topic, rd_kafka_resp_err_t error) {
        rd_kafka_mock_topic_set_error(cluster_.get(), topic.c_str(), error);
    }

    /// The next requests of that kind are answered so, one with each.
    void fail_next(std::int16_t request, const std::vector<rd_kafka_resp_err_t>& errors) {
        rd_kafka_mock_push_request_errors_array(
            cluster_.get(), request, errors.size(), errors.data());
    }

    void forget_failures(std::int16_t request) {
        rd_kafka_mock_clear_request_errors(cluster_.get(), request);
    }

private:
    static kafka::Client make_client() {
        std::array<char, 256> text{};
        rd_kafka_t* const client =
            rd_kafka_new(RD_KAFKA_PRODUCER, quiet(), text.data(), text.size());
        if (!client) throw std::runtime_error(text.data());
        return kafka::Client(client, rd_kafka_destroy);
    }

    static rd_kafka_conf_t* quiet() {
        rd_kafka_conf_t* const conf = rd_kafka_conf_new();
        rd_kafka_conf_set_log_cb(conf, nullptr);
        return conf;
    }

    static void check(rd_kafka_resp_err_t error) {
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error));
    }

    const kafka::Client client_;
    const std::unique_ptr<rd_kafka_mock_cluster_t,
                          kafka::Destroy<rd_kafka_mock_cluster_t, rd_kafka_mock_cluster_destroy>>
        cluster_;
};

}  // namespace roomcast::test

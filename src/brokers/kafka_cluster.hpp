// SPDX-License-Identifier: Apache-2.0
// Questions about the topic, asked through the library.
#pragma once

#include <chrono>
#include <string>

#include "brokers/kafka_client.hpp"
#include "brokers/kafka_tail.hpp"

namespace roomcast::kafka {

/// Each answer is waited for, a second at most.
class LibraryCluster final : public Cluster {
public:
    /// The producer learns by such questions where to send. But as long as the topic is not there,
    /// the consumer asks: by a producer's question the cluster may make it, with one partition.
    LibraryCluster(Client producer, Client consumer, const std::string& topic);

    [[nodiscard]] Outcome<std::int32_t, Trouble> count_partitions() override;
    [[nodiscard]] Outcome<std::vector<Position>, Trouble> find_ends(std::int32_t count) override;
    [[nodiscard]] Outcome<void, Trouble> create_topic() override;

private:
    [[nodiscard]] Outcome<std::int32_t, Trouble> ask(const Client& client,
                                                     const TopicHandle& handle) const;

    const Client producer_;
    const Client consumer_;
    const std::string topic_;
    // Destroyed before their clients.
    const TopicHandle of_producer_;
    const TopicHandle of_consumer_;
    bool is_there_ = false;
};

}  // namespace roomcast::kafka

// SPDX-License-Identifier: Apache-2.0
#include "brokers/kafka_cluster.hpp"

#include <array>
#include <utility>

namespace roomcast::kafka {

namespace {

constexpr int kPatienceMs = 1'000;
/// Of a topic that is made here: a channel's messages stay in one, and several gateways and servers
/// share the work.
constexpr int kPartitions = 12;
constexpr int kReplicasOfTheCluster = -1;  // as many as it is set up for

using Admin = std::unique_ptr<rd_kafka_AdminOptions_t,
                              Destroy<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>>;
using NewTopic =
    std::unique_ptr<rd_kafka_NewTopic_t, Destroy<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>>;
using Answers =
    std::unique_ptr<rd_kafka_queue_t, Destroy<rd_kafka_queue_t, rd_kafka_queue_destroy>>;
using Event = std::unique_ptr<rd_kafka_event_t, Destroy<rd_kafka_event_t, rd_kafka_event_destroy>>;

Trouble trouble(rd_kafka_resp_err_t error) {
    return {.text = std::string(describe(error)),
            .is_topic_missing = error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART};
}

/// What an answer to the creation of one topic says.
Outcome<void, Trouble> creation(rd_kafka_event_t* event) {
    const rd_kafka_CreateTopics_result_t* const result =
        event ? rd_kafka_event_CreateTopics_result(event) : nullptr;
    if (!result) return Trouble{.text = "no answer"};
    if (rd_kafka_event_error(event)) return Trouble{.text = rd_kafka_event_error_string(event)};
    std::size_t count = 0;
    const auto* const* const topics = rd_kafka_CreateTopics_result_topics(result, &count);
    const auto error = rd_kafka_topic_result_error(topics[0]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        return {};
    }
    const char* const text = rd_kafka_topic_result_error_string(topics[0]);
    return Trouble{.text = text ? text : std::string(describe(error))};
}

}  // namespace

LibraryCluster::LibraryCluster(Client producer, Client consumer, const std::string& topic)
    : producer_(std::move(producer)),
      consumer_(std::move(consumer)),
      topic_(topic),
      of_producer_(rd_kafka_topic_new(producer_.get(), topic.c_str(), nullptr)),
      of_consumer_(rd_kafka_topic_new(consumer_.get(), topic.c_str(), nullptr)) {}

Outcome<std::int32_t, Trouble> LibraryCluster::ask(const Client& client,
                                                   const TopicHandle& handle) const {
    const rd_kafka_metadata_t* metadata = nullptr;
    auto error = rd_kafka_metadata(client.get(), 0, handle.get(), &metadata, kPatienceMs);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return trouble(error);
    std::int32_t count = 0;
    error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (metadata->topic_cnt == 1) {
        error = metadata->topics[0].err;
        count = metadata->topics[0].partition_cnt;
    }
    rd_kafka_metadata_destroy(metadata);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return trouble(error);
    return count;
}

Outcome<std::int32_t, Trouble> LibraryCluster::count_partitions() {
    if (!is_there_) {
        if (auto count = ask(consumer_, of_consumer_); !count) return count;
        is_there_ = true;
    }
    return ask(producer_, of_producer_);
}

Outcome<std::vector<Position>, Trouble> LibraryCluster::find_ends(std::int32_t count) {
    const PartitionList list(rd_kafka_topic_partition_list_new(count));
    for (std::int32_t partition = 0; partition < count; ++partition) {
        // In the place of a time, this asks for the end.
        rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), partition)->offset =
            RD_KAFKA_OFFSET_END;
    }
    const auto error = rd_kafka_offsets_for_times(producer_.get(), list.get(), kPatienceMs);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return trouble(error);
    std::vector<Position> ends;
    for (int i = 0; i < list->cnt; ++i) {
        const auto& found = list->elems[i];
        if (found.err == RD_KAFKA_RESP_ERR_NO_ERROR && found.offset >= 0) {
            ends.push_back({found.partition, found.offset});
        }
    }
    return ends;
}

Outcome<void, Trouble> LibraryCluster::create_topic() {
    std::array<char, 256> text{};
    const NewTopic topic(rd_kafka_NewTopic_new(
        topic_.c_str(), kPartitions, kReplicasOfTheCluster, text.data(), text.size()));
    if (!topic) return Trouble{.text = text.data()};
    const Admin options(rd_kafka_AdminOptions_new(consumer_.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS));
    (void)rd_kafka_AdminOptions_set_request_timeout(
        options.get(), kPatienceMs, text.data(), text.size());  // in range
    const Answers answers(rd_kafka_queue_new(consumer_.get()));
    rd_kafka_NewTopic_t* topics[] = {topic.get()};
    rd_kafka_CreateTopics(consumer_.get(), topics, 1, options.get(), answers.get());
    const Event answer(rd_kafka_queue_poll(answers.get(), 2 * kPatienceMs));
    auto created = creation(answer.get());
    // Where this login may not, or the cluster knows no such request, a producer that asks for the
    // topic may have it made.
    if (!created && ask(producer_, of_producer_)) return {};
    return created;
}

}  // namespace roomcast::kafka

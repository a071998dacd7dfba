// SPDX-License-Identifier: Apache-2.0
// librdkafka's clients, as this program makes them. Its threads never call ours: what it has to
// say waits in its queues, which wake whoever polls them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <librdkafka/rdkafka.h>

#include "brokers/kafka_options.hpp"
#include "brokers/waker.hpp"
#include "util/result.hpp"

namespace roomcast::kafka {

/// Ends with the last that holds it, on whose thread that may take a while.
using Client = std::shared_ptr<rd_kafka_t>;

/// What a client says while it is polled.
class ClientEvents {
public:
    virtual ~ClientEvents() = default;
    /// `text` is for people. A fatal one ends a producer.
    virtual void on_trouble(rd_kafka_resp_err_t error, std::string_view text) = 0;
};

class ProducerEvents : public ClientEvents {
public:
    /// `id` is that given to rd_kafka_producev() as its opaque.
    virtual void on_delivered(std::uint64_t id, rd_kafka_resp_err_t error) = 0;
};

/// `events` outlives the last poll. Error: a sentence.
[[nodiscard]] Outcome<Client, std::string> make_producer(const KafkaBrokerOptions& options,
                                                         ProducerEvents& events);
[[nodiscard]] Outcome<Client, std::string> make_consumer(const KafkaBrokerOptions& options,
                                                         ClientEvents& events);

/// "Broker: Not authorized …": the library's words for an error.
[[nodiscard]] std::string_view describe(rd_kafka_resp_err_t error);

template <class Thing, void (*destroy)(Thing*)>
struct Destroy {
    void operator()(Thing* thing) const { destroy(thing); }
};

using Message =
    std::unique_ptr<rd_kafka_message_t, Destroy<rd_kafka_message_t, rd_kafka_message_destroy>>;
using TopicHandle =
    std::unique_ptr<rd_kafka_topic_t, Destroy<rd_kafka_topic_t, rd_kafka_topic_destroy>>;
using Error = std::unique_ptr<rd_kafka_error_t, Destroy<rd_kafka_error_t, rd_kafka_error_destroy>>;
using PartitionList = std::unique_ptr<
    rd_kafka_topic_partition_list_t,
    Destroy<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>>;

/// While this lives, a client's queue wakes a thread when something comes into it that was empty.
class WakingQueue {
public:
    WakingQueue() = default;
    /// Takes over the reference to `queue`.
    WakingQueue(rd_kafka_queue_t* queue, const Waker& waker);

private:
    struct LetGo {
        void operator()(rd_kafka_queue_t* queue) const;
    };

    std::unique_ptr<rd_kafka_queue_t, LetGo> queue_;
};

}  // namespace roomcast::kafka

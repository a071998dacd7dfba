// SPDX-License-Identifier: Apache-2.0
#include "brokers/kafka_client.hpp"

#include <array>
#include <initializer_list>
#include <optional>
#include <utility>

#include <syslog.h>

#include "util/hex.hpp"
#include "util/log.hpp"
#include "util/random.hpp"

namespace roomcast::kafka {

namespace {

/// What wakes a Waker.
constexpr std::uint64_t kOne = 1;

ClientEvents& events_of(void* opaque) {
    return *static_cast<ClientEvents*>(opaque);
}

void on_log(const rd_kafka_t* /*client*/, int level, const char* facility, const char* text) {
    if (level > LOG_WARNING) return log::debug("librdkafka", {{"about", facility}, {"text", text}});
    // One server of several may be away for long; the library says so again and again.
    static log::RateLimit limit(3, std::chrono::minutes(1));
    if (const auto suppressed = limit.admit()) {
        log::warn("librdkafka", {{"about", facility}, {"text", text}, {"suppressed", *suppressed}});
    }
}

void on_error(rd_kafka_t* client, int error, const char* reason, void* opaque) {
    auto code = static_cast<rd_kafka_resp_err_t>(error);
    if (code != RD_KAFKA_RESP_ERR__FATAL) return events_of(opaque).on_trouble(code, reason);
    std::array<char, 512> text{};
    (void)rd_kafka_fatal_error(client, text.data(), text.size());  // there is one
    events_of(opaque).on_trouble(code, text.data());
}

void on_delivery(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
    const auto id = reinterpret_cast<std::uintptr_t>(message->_private);
    static_cast<ProducerEvents&>(events_of(opaque)).on_delivered(id, message->err);
}

/// The properties of a client that is yet to be made.
class Properties {
public:
    Properties(const KafkaBrokerOptions& options, ClientEvents& events)
        : conf_(rd_kafka_conf_new()) {
        rd_kafka_conf_set_opaque(conf_, &events);
        rd_kafka_conf_set_log_cb(conf_, on_log);
        rd_kafka_conf_set_error_cb(conf_, on_error);
        const Access& access = options.access;
        // A server that is frozen or gone without a word is given up after five seconds; one that
        // comes back is found within three.
        set({{"bootstrap.servers", to_text(access.servers)},
             {"client.id", "roomcast"},
             {"log.queue", "true"},
             {"allow.auto.create.topics", "true"},
             {"socket.timeout.ms", "5000"},
             {"socket.keepalive.enable", "true"},
             {"socket.nagle.disable", "true"},
             {"reconnect.backoff.ms", "100"},
             {"reconnect.backoff.max.ms", "3000"},
             {"topic.metadata.refresh.fast.interval.ms", "100"}});
        set_access(access);
    }

    Properties(const Properties&) = delete;
    Properties& operator=(const Properties&) = delete;

    ~Properties() {
        if (conf_) rd_kafka_conf_destroy(conf_);
    }

    void set(std::initializer_list<std::pair<const char*, std::string>> properties) {
        for (const auto& [name, value] : properties) {
            const auto result =
                rd_kafka_conf_set(conf_, name, value.c_str(), text_.data(), text_.size());
            if (result != RD_KAFKA_CONF_OK && !error_) error_ = text_.data();
        }
    }

    [[nodiscard]] rd_kafka_conf_t* get() const { return conf_; }

    [[nodiscard]] Outcome<Client, std::string> make(rd_kafka_type_t type) {
        if (error_) return *std::move(error_);
        rd_kafka_t* const client = rd_kafka_new(type, conf_, text_.data(), text_.size());
        if (!client) return std::string(text_.data());
        conf_ = nullptr;                                // the client's
        (void)rd_kafka_set_log_queue(client, nullptr);  // log.queue is set: it cannot fail
        return Client(client, [](rd_kafka_t* ended) {
            rd_kafka_destroy_flags(ended, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
        });
    }

private:
    void set_access(const Access& access) {
        const std::string protocol = access.sasl.is_on ? "sasl_" : "";
        set({{"security.protocol", protocol + (access.tls.is_on ? "ssl" : "plaintext")}});
        if (access.sasl.is_on) {
            set({{"sasl.mechanisms", access.sasl.mechanism},
                 {"sasl.username", access.sasl.username},
                 {"sasl.password", access.sasl.password}});
        }
        if (!access.tls.is_on) return;
        set({{"ssl.endpoint.identification.algorithm", "https"}});
        if (!access.tls.ca_file.empty()) set({{"ssl.ca.location", access.tls.ca_file}});
    }

    rd_kafka_conf_t* conf_;
    std::array<char, 512> text_{};
    std::optional<std::string> error_;  // of the first that was refused
};

}  // namespace

Outcome<Client, std::string> make_producer(const KafkaBrokerOptions& options,
                                           ProducerEvents& events) {
    Properties properties(options, events);
    rd_kafka_conf_set_dr_msg_cb(properties.get(), on_delivery);
    // Nothing is put off to fill a batch: while five are under way, the next one fills. What is too
    // large for the cluster is for the cluster to say. The partitioner is that of Go's clients, so
    // that gateways of the base system put a channel's messages into the same partition.
    properties.set(
        {{"enable.idempotence", "true"},
         {"acks", "all"},
         {"max.in.flight", "5"},
         {"linger.ms", "0"},
         {"batch.size", "262144"},
         {"message.max.bytes", "67108864"},
         {"message.timeout.ms", std::to_string(options.publish_timeout.count())},
         {"queue.buffering.max.messages", std::to_string(options.limits.pending_publishes * 2)},
         {"queue.buffering.max.kbytes", std::to_string(options.limits.mail_bytes / 1024)},
         {"partitioner", "fnv1a_random"}});
    return properties.make(RD_KAFKA_PRODUCER);
}

Outcome<Client, std::string> make_consumer(const KafkaBrokerOptions& options,
                                           ClientEvents& events) {
    Properties properties(options, events);
    // The library asks for a group, though none is joined when partitions are assigned by hand.
    properties.set({{"group.id", options.access.group + '-' + to_hex(random_u64())},
                    {"enable.auto.commit", "false"},
                    {"enable.auto.offset.store", "false"},
                    {"auto.offset.reset", "error"},
                    {"enable.partition.eof", "true"},
                    {"fetch.wait.max.ms", std::to_string(options.fetch_wait.count())},
                    {"fetch.error.backoff.ms", "100"}});
    auto client = properties.make(RD_KAFKA_CONSUMER);
    if (client) (void)rd_kafka_poll_set_consumer(client->get());  // a consumer with a group: it can
    return client;
}

std::string_view describe(rd_kafka_resp_err_t error) {
    return rd_kafka_err2str(error);
}

WakingQueue::WakingQueue(rd_kafka_queue_t* queue, const Waker& waker) : queue_(queue) {
    rd_kafka_queue_io_event_enable(queue, waker.event(), &kOne, sizeof kOne);
    waker.wake();  // for what has come before
}

void WakingQueue::LetGo::operator()(rd_kafka_queue_t* queue) const {
    rd_kafka_queue_io_event_enable(queue, -1, nullptr, 0);
    rd_kafka_queue_destroy(queue);
}

}  // namespace roomcast::kafka

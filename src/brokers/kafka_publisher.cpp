// SPDX-License-Identifier: Apache-2.0
#include "brokers/kafka_publisher.hpp"

#include <array>
#include <utility>

#include "util/log.hpp"

namespace roomcast::kafka {

namespace {

constexpr int kFlushMs = 500;

}  // namespace

Publisher::Publisher(const KafkaBrokerOptions& options, const Waker& waker, OnTrouble on_trouble)
    : topic_(options.access.topic),
      most_bytes_(options.limits.mail_bytes),
      waker_(waker),
      tell_trouble_(std::move(on_trouble)) {}

void Publisher::use(Client producer) {
    retired_ = std::exchange(current_, {});
    current_.queue = WakingQueue(rd_kafka_queue_get_main(producer.get()), waker_);
    current_.client = std::move(producer);
    failure_.clear();
    if (retired_.client) {
        (void)rd_kafka_purge(
            retired_.client.get(),
            RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    }
}

rd_kafka_resp_err_t Publisher::produce(std::string_view key,
                                       std::string_view body,
                                       std::uint64_t id) const {
    std::array<rd_kafka_vu_t, 5> parts{};
    parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    parts[0].u.cstr = topic_.c_str();
    parts[1].vtype = RD_KAFKA_VTYPE_KEY;
    parts[1].u.mem = {const_cast<char*>(key.data()), key.size()};
    parts[2].vtype = RD_KAFKA_VTYPE_VALUE;
    parts[2].u.mem = {const_cast<char*>(body.data()), body.size()};
    parts[3].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    parts[3].u.i = RD_KAFKA_MSG_F_COPY;
    parts[4].vtype = RD_KAFKA_VTYPE_OPAQUE;
    parts[4].u.ptr = reinterpret_cast<void*>(id);  // NOLINT(performance-no-int-to-ptr): a number
    const Error error(rd_kafka_produceva(current_.client.get(), parts.data(), parts.size()));
    return error ? rd_kafka_error_code(error.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

void Publisher::publish(const Publish& publish) {
    if (!is_usable() || pending_.bytes() + publish.body.size() > most_bytes_) {
        return refuse(publish.ticket);
    }
    const std::uint64_t id = pending_.add(publish.ticket, publish.deadline, publish.body.size());
    const auto error = produce(publish.channel.text(), publish.body, id);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) on_delivered(id, error);
}

void Publisher::send(const Control& control) {
    if (is_usable()) (void)produce(kControlKey, control.body, 0);  // at most once
}

void Publisher::refuse(PublishTicket ticket) {
    homes_->answer(ticket, Errc::unavailable);
}

void Publisher::on_delivered(std::uint64_t id, rd_kafka_resp_err_t error) {
    // Nothing: a control message, or its time was over.
    if (const auto ticket = pending_.settle(id)) answer(*ticket, error);
}

void Publisher::answer(PublishTicket ticket, rd_kafka_resp_err_t error) {
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return homes_->answer(ticket, std::nullopt);
    calls_failed_.fetch_add(1, std::memory_order_relaxed);
    homes_->answer(ticket,
                   error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? Errc::limit : Errc::unavailable);
    static log::RateLimit limit(5, std::chrono::seconds(10));
    if (const auto suppressed = limit.admit()) {
        log::warn("kafka did not take a publication",
                  {{"error", describe(error)}, {"suppressed", *suppressed}});
    }
}

void Publisher::on_trouble(rd_kafka_resp_err_t error, std::string_view text) {
    if (error == RD_KAFKA_RESP_ERR__FATAL) {
        failure_ = text;
    } else {
        tell_trouble_(error, text);
    }
}

void Publisher::serve() {
    for (Producer* const producer : {&current_, &retired_}) {
        if (producer->client) (void)rd_kafka_poll(producer->client.get(), 0);  // calls on_…
    }
    if (retired_.client && rd_kafka_outq_len(retired_.client.get()) == 0) retired_ = {};
}

void Publisher::expire(SteadyTime now) {
    for (;;) {
        const auto ticket = pending_.expire_one(now);
        if (!ticket) return;
        answer(*ticket, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT);
    }
}

void Publisher::close(bool is_connected) {
    if (current_.client && is_connected) {
        (void)rd_kafka_flush(current_.client.get(), kFlushMs);  // what is left is given up
    }
    current_ = {};
    retired_ = {};
}

}  // namespace roomcast::kafka

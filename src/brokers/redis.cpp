// SPDX-License-Identifier: Apache-2.0
#include "brokers/redis.hpp"

#include <charconv>
#include <iterator>
#include <utility>

#include "brokers/broker_figures.hpp"
#include "brokers/bus_message.hpp"
#include "util/log.hpp"

namespace roomcast {

namespace {

constexpr std::string_view kTopicPrefix = "broadcast.";  // of the base system
constexpr const char* kControlTopic = "rc.control";

/// KEYS[1] remembers the receipt; ARGV: receipt, its life in ms, command, topic, message.
constexpr const char* kPublishOnce = R"lua(
local first = redis.call('GET', KEYS[1])
if first then return first end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call(ARGV[3], ARGV[4], ARGV[5])
return false
)lua";

std::string topic_of(const ChannelName& channel) {
    std::string topic(kTopicPrefix);
    return topic += channel.text();
}

std::string receipt_text(PublishReceipt receipt) {
    return std::to_string(receipt.message_id) + ' ' + std::to_string(receipt.ts_ms);
}

std::optional<PublishReceipt> parse_receipt(std::string_view text) {
    PublishReceipt receipt;
    const char* const end = text.data() + text.size();
    const auto id = std::from_chars(text.data(), end, receipt.message_id);
    if (id.ec != std::errc() || id.ptr == end) return std::nullopt;
    const auto ts = std::from_chars(id.ptr + 1, end, receipt.ts_ms);
    if (ts.ec != std::errc() || ts.ptr != end) return std::nullopt;
    return receipt;
}

/// In the slot of `topic`, where the script may publish in a Cluster.
std::string receipt_key(const std::string& topic, const std::string& idempotency_key) {
    return "rc:{" + redis::slot_tag(topic) + "}:once:" + idempotency_key;
}

}  // namespace

/// A publish on its way to the loop.
struct RedisBroker::Outgoing {
    PublishTicket ticket;
    std::string topic;
    std::string body;
    std::string idempotency_key;
    PublishReceipt receipt;
};

RedisBroker::RedisBroker(RedisBrokerOptions options, net::EventLoop& loop)
    : loop_(loop),
      idempotency_ttl_(options.idempotency_ttl),
      limits_(options.limits),
      publish_once_(kPublishOnce) {
    options.client.scripts = {&publish_once_};
    options.client.has_sharded_channels = true;
    client_ = redis::make_client(loop, std::move(options.client));
}

RedisBroker::~RedisBroker() {
    stop();
}

void RedisBroker::start(BrokerSink& sink, Executor& executor) {
    sink_ = &sink;
    homes_ = std::make_unique<HomeSide>(sink, executor, limits_);
    loop_.post([this] {
        client_->start(*this);
        client_->subscribe(kControlTopic, kControlTopic);
    });
}

void RedisBroker::stop() {
    if (!homes_ || !client_) return;
    loop_.run([this] {
        client_->stop();
        client_.reset();
    });
    loop_.run([] {});  // what stopping has posted refers to this broker
    is_connected_ = false;
    homes_->give_up();
}

// ---- on the homes ----

void RedisBroker::subscribe(const ChannelName& channel, SubscribeCallback confirmed) {
    const std::uint64_t attempt = homes_->await(channel, std::move(confirmed));
    loop_.post([this, channel, attempt] { add_interest(channel, attempt); });
}

void RedisBroker::unsubscribe(const ChannelName& channel) {
    homes_->forget(channel);
    loop_.post([this, channel] {
        const std::string topic = topic_of(channel);
        if (interests_.erase(topic) > 0 && client_) client_->unsubscribe(topic);
    });
}

void RedisBroker::publish(BusMessage message, PublishCallback done) {
    const auto ticket = homes_->open(message.channel, std::move(done));
    if (!ticket) return;
    // Shared, because a std::function must be able to be copied.
    auto outgoing = std::make_shared<Outgoing>();
    outgoing->ticket = *ticket;
    outgoing->body = encode_bus_message(message);
    outgoing->receipt = {message.message_id, message.ts_ms};
    outgoing->idempotency_key = std::move(message.idempotency_key);
    outgoing->topic = topic_of(message.channel);
    loop_.post([this, outgoing] { send(*outgoing); });
}

void RedisBroker::send_control(std::string message) {
    loop_.post([this, message = std::move(message)] {
        if (client_) client_->publish(kControlTopic, message, [](const redis::Reply&) {});
    });
}

// ---- on the loop ----

void RedisBroker::add_interest(const ChannelName& channel, std::uint64_t attempt) {
    std::string topic = topic_of(channel);
    Interest& interest = interests_[topic];
    interest.name = channel;
    if (interest.is_live) {
        homes_->confirm(channel, attempt);
        return hand_over_soon();
    }
    interest.awaited_attempt = attempt;
    if (client_) client_->subscribe(topic, topic);
}

void RedisBroker::send(const Outgoing& outgoing) {
    if (!client_) return answer(outgoing.ticket, Errc::unavailable);
    if (!outgoing.idempotency_key.empty()) return send_once(outgoing);
    client_->publish(
        outgoing.topic, outgoing.body, [this, ticket = outgoing.ticket](const redis::Reply& reply) {
            if (reply) return answer(ticket, std::nullopt);
            note_refusal(reply.error());
            answer(ticket, Errc::unavailable);
        });
}

void RedisBroker::send_once(const Outgoing& outgoing) {
    const std::string keys[] = {receipt_key(outgoing.topic, outgoing.idempotency_key)};
    const std::string arguments[] = {receipt_text(outgoing.receipt),
                                     std::to_string(idempotency_ttl_.count()),
                                     std::string(client_->publish_command()),
                                     outgoing.topic,
                                     outgoing.body};
    client_->eval(publish_once_,
                  keys,
                  arguments,
                  [this, ticket = outgoing.ticket](const redis::Reply& reply) {
                      if (!reply) {
                          note_refusal(reply.error());
                          return answer(ticket, Errc::unavailable);
                      }
                      answer(ticket, parse_receipt(reply->text));
                  });
}

void RedisBroker::answer(PublishTicket ticket, Result<std::optional<PublishReceipt>> result) {
    homes_->answer(ticket, result);
    hand_over_soon();
}

void RedisBroker::note_refusal(const redis::Error& error) {
    // What the server itself says no to (OOM, READONLY, NOPERM …) is for the operator to know.
    if (error.fault != redis::Fault::refused) return;
    static log::RateLimit limit(5, std::chrono::seconds(10));
    if (const auto suppressed = limit.admit(loop_.now())) {
        log::error("redis refused a publication",
                   {{"error", error.text}, {"suppressed", *suppressed}});
    }
}

/// Answers may come from anywhere: within a call, after a deadline, or in a read, which ends with
/// on_batch_end().
void RedisBroker::hand_over_soon() {
    if (std::exchange(is_handing_over_soon_, true)) return;
    loop_.post([this] {
        is_handing_over_soon_ = false;
        homes_->hand_over();
    });
}

void RedisBroker::on_state(bool is_connected, std::string_view detail) {
    is_connected_ = is_connected;
    sink_->on_state(is_connected, detail);
}

void RedisBroker::on_subscribed(const std::string& channel, bool may_have_missed) {
    const auto found = interests_.find(channel);
    if (found == interests_.end()) return;
    Interest& interest = found->second;
    interest.is_live = true;
    // Before those are confirmed who were not there when something was missed.
    if (may_have_missed) {
        gaps_.fetch_add(1, std::memory_order_relaxed);
        homes_->gap(interest.name);
    }
    if (const auto attempt = std::exchange(interest.awaited_attempt, 0); attempt != 0) {
        homes_->confirm(interest.name, attempt);
    }
    hand_over_soon();
}

/// The client goes on asking; until it is let in, subscribers wait for their confirmation.
void RedisBroker::on_subscribe_refused(const std::string& channel, std::string_view error) {
    subscribes_refused_.fetch_add(1, std::memory_order_relaxed);
    static log::RateLimit limit(5, std::chrono::seconds(10));
    const auto suppressed = limit.admit(loop_.now());
    if (!suppressed) return;
    log::error(
        "redis refuses a subscription: let its user subscribe (ACL SETUSER <user> +subscribe "
        "+ssubscribe &broadcast.* &rc.*); it is asked again every two seconds",
        {{"channel", channel}, {"error", error}, {"suppressed", *suppressed}});
}

void RedisBroker::on_message(std::string_view channel, std::string_view payload) {
    if (channel == kControlTopic) return sink_->on_control(payload);
    const auto found = interests_.find(channel);
    if (found != interests_.end()) homes_->deliver(found->second.name, payload);
}

void RedisBroker::on_batch_end() {
    homes_->hand_over();
}

std::vector<Figure> RedisBroker::figures() const {
    if (!homes_ || !client_) return {};
    const redis::ClientFigures client = client_->figures();
    const auto figure =
        [](std::string_view name, std::string_view help, bool is_counter, double value) {
            return Figure{.name = name, .help = help, .is_counter = is_counter, .value = value};
        };
    std::vector<Figure> figures = broker_figures(*homes_,
                                                 {.gaps = gaps_.load(std::memory_order_relaxed),
                                                  .connections_lost = client.connections_lost,
                                                  .calls_failed = client.calls_failed});
    const Figure of_redis[] = {
        figure("roomcast_broker_subscribes_refused_total",
               "Times that Redis did not let this node subscribe to a channel.",
               true,
               static_cast<double>(subscribes_refused_.load(std::memory_order_relaxed))),
        figure("roomcast_broker_redirects_total",
               "Commands that a cluster sent to another of its servers.",
               true,
               static_cast<double>(client.redirects)),
        figure("roomcast_broker_probes_missed_total",
               "Connections closed because a probe through the broker did not come back.",
               true,
               static_cast<double>(client.probes_missed)),
        figure("roomcast_broker_round_trip_seconds",
               "How long the last probe through the broker took.",
               false,
               static_cast<double>(client.last_round_trip_us) / 1e6),
    };
    figures.insert(figures.end(), std::begin(of_redis), std::end(of_redis));
    return figures;
}

}  // namespace roomcast

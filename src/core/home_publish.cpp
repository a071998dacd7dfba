// SPDX-License-Identifier: Apache-2.0
// Publications on their way to the broker, and what comes back from it.
#include <utility>

#include "core/home.hpp"
#include "core/shard.hpp"

namespace roomcast {

namespace {

std::string_view refusal_text(Errc errc) {
    if (errc == Errc::limit) return "too large for the broker";
    if (errc == Errc::broker_blocked) return "the broker takes no messages at the moment";
    return "the broker did not take it; try again";
}

}  // namespace

void Home::on(std::unique_ptr<Publish>& publish) {
    Broker& broker = shard_.services().broker;
    if (publish->key.empty() && publish->reply.id.empty() && publish->reply.request == 0) {
        // The usual case: only a failure is answered. What is captured fits into the function.
        return broker.publish(std::move(publish->message),
                              [this, session = publish->reply.session](const auto& result) {
                                  if (result) return;
                                  reply({.session = session}, {}, result.error());
                              });
    }
    const PublishReceipt receipt{publish->message.message_id, publish->message.ts_ms};
    if (broker.keeps_keys()) {
        publish->message.idempotency_key = std::move(publish->key);
        publish->key.clear();
    }
    if (!publish->key.empty()) {
        PublishReceipt first;
        switch (keys_.begin(publish->key, publish->reply, shard_.now(), first)) {
            case IdempotencyTable::Verdict::first:
                break;
            case IdempotencyTable::Verdict::repeat:
                shard_.metrics().idempotent_repeats.add();
                return reply(publish->reply, publish->message.channel, first);
            case IdempotencyTable::Verdict::waits:
                return shard_.metrics().idempotent_repeats.add();
            case IdempotencyTable::Verdict::refused:
                return reply(publish->reply, publish->message.channel, Errc::unavailable);
        }
    }
    // Shared, because a std::function must be able to be copied.
    const std::shared_ptr<Publish> under_way = std::move(publish);
    const ChannelName channel = under_way->message.channel;
    broker.publish(
        std::move(under_way->message), [this, under_way, channel, receipt](const auto& result) {
            const auto answer = result ? Result<PublishReceipt>(result->value_or(receipt))
                                       : Result<PublishReceipt>(result.error());
            if (result && *result) shard_.metrics().idempotent_repeats.add();
            reply(under_way->reply, channel, answer);
            if (under_way->key.empty()) return;
            const auto remembered = result ? std::optional(receipt) : std::nullopt;
            for (const ReplyTo& repeat : keys_.finish(under_way->key, remembered, shard_.now())) {
                reply(repeat, channel, answer);
            }
        });
}

void Home::reply(const ReplyTo& reply, const ChannelName& channel, Result<PublishReceipt> result) {
    if (reply.request != 0) {
        PublishAnswer answer{.request = reply.request, .message_id = 0, .ts_ms = 0, .error = {}};
        if (result) {
            answer.message_id = result->message_id;
            answer.ts_ms = result->ts_ms;
        } else {
            answer.error = result.error();
        }
        return shard_.post().to_shard(reply.shard, answer);
    }
    if (result && reply.id.empty()) return;
    FramePtr frame;
    if (result) {
        frame = shard_.services().dialect.encode_ack(reply.id, result->ts_ms);
    } else {
        frame = encode_error(result.error(), refusal_text(result.error()), reply.id, channel);
    }
    // Only a command with an id was counted as unanswered.
    const std::uint32_t commands = reply.id.empty() ? 0 : 1;
    shard_.post().to_shard(shard_of(reply.session),
                           Answer{reply.session, std::move(frame), commands});
}

void Home::on_message(const BusMessage& message) {
    shard_.metrics().publications_delivered.add();
    const HomeChannel* channel = find(message.channel);
    if (!channel || channel->broadcast_listeners == 0) return;
    const FramePtr frame = shard_.services().dialect.encode_broadcast(message);
    const bool is_own = message.origin_node == shard_.services().node_id;
    const SessionId excluded = is_own && !message.is_echoed ? message.origin : SessionId::none;
    const SteadyTime taken_at =
        is_own && message.taken_at != SteadyTime{} ? message.taken_at : shard_.now();
    for (const ShardInterest& interest : channel->interest) {
        if (interest.broadcast == 0) continue;
        shard_.post().to_shard(interest.shard, Deliver{message.channel, frame, excluded, taken_at});
    }
}

void Home::on_gap(const ChannelName& name) {
    const HomeChannel* channel = find(name);
    if (!channel) return;
    for (const ShardInterest& interest : channel->interest) {
        if (interest.broadcast > 0) {
            shard_.post().to_shard(interest.shard, GapMark{name, GapReason::broker});
        }
    }
}

}  // namespace roomcast

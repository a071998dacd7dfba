// SPDX-License-Identifier: Apache-2.0
#include "http/event_api.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "codec/json.hpp"

namespace roomcast::http {
namespace {

/// Why an event is not published: an answer of its own, or an entry in a batch's results.
struct EventError {
    int status;
    std::string_view reason;
    std::string text;
};

Response error_answer(const EventError& error) {
    Response response = error_response(error.status, error.reason, error.text);
    if (error.status == 503) response.headers.push_back({"Retry-After", "1"});
    return response;
}

EventError bad_message(std::string text) {
    return {400, "bad_message", std::move(text)};
}

EventError publish_error(Errc errc) {
    if (errc == Errc::limit) return {413, "too_large", "the event is too large for the broker"};
    if (errc == Errc::broker_blocked) {
        return {503, wire_reason(errc), "the broker takes no messages at the moment"};
    }
    return {503, "unavailable", "publish failed"};
}

/// The fields of an event; of a repeated one the last, as for WebSocket messages.
struct EventFields {
    json::Value channel;
    json::Value event;
    json::Value payload;
};

EventFields read_fields(json::Value object) {
    EventFields fields;
    for (const json::Member& member : object.members()) {
        const auto name = member.name.to_string();
        if (name == "channel") fields.channel = member.value;
        if (name == "event") fields.event = member.value;
        if (name == "payload") fields.payload = member.value;
    }
    return fields;
}

Outcome<PublishRequest, EventError> read_event(json::Value object, const RouteCall& call) {
    const Limits& limits = call.options.limits;
    if (!object.is(json::Kind::object)) return bad_message("an event is an object");
    const EventFields fields = read_fields(object);
    PublishRequest request;

    if (fields.channel.is_absent()) return bad_message("channel is missing");
    const auto channel = fields.channel.to_string();
    if (!channel) return bad_message("channel must be a string");
    auto name = ChannelName::make(*channel);
    if (!name) {
        return EventError{
            400, "bad_channel", "channel must have 1 to 256 bytes and no control characters"};
    }
    if (!call.caller.rights.allow(Right::publish, name->text())) {
        return EventError{403, "forbidden", "the token does not allow this on this channel"};
    }
    request.channel = std::move(*name);
    request.key_owner = call.caller.name;

    if (!fields.event.is_absent() && !fields.event.is(json::Kind::null)) {
        auto event = fields.event.to_string();
        if (!event) return bad_message("event must be a string");
        if (event->size() > limits.event_bytes) return bad_message("event is too long");
        request.event = std::move(*event);
    }
    if (request.event.empty()) request.event = "message";

    const std::string_view payload =
        fields.payload.is_absent() ? std::string_view("null") : fields.payload.raw();
    if (payload.size() > limits.message_bytes) {
        return EventError{413, "too_large", "payload is larger than a message may be"};
    }
    json::append_one_line(request.payload, payload);
    return request;
}

/// The request's body. The value points into `text`.
Outcome<json::Value, EventError> read_body(const json::PaddedString& text) {
    auto body = json::parse_object(text.text());
    if (body) return *body;
    return bad_message("the body is no JSON object: " + std::string(json::describe(body.error())));
}

Outcome<std::string, EventError> read_idempotency_key(const Request& request,
                                                      const Limits& limits) {
    const std::string_view key = request.header("Idempotency-Key");
    if (request.header_count("Idempotency-Key") > 1 || key.size() > limits.idempotency_key_bytes) {
        return bad_message("Idempotency-Key must be one value of 1 to " +
                           std::to_string(limits.idempotency_key_bytes) + " bytes");
    }
    return std::string(key);
}

void append_error(std::string& out, const EventError& error) {
    json::ObjectWriter(out).string("error", error.text).string("reason", error.reason).end();
}

/// The results of a batch as they come in, in any order; answered when all are there.
struct Batch {
    std::vector<std::string> results;  // JSON text, in the order of the events
    std::size_t missing = 0;
    Respond respond;

    void set(std::size_t index, std::string result) {
        results[index] = std::move(result);
        if (--missing == 0) finish();
    }

    void finish() {
        Response response;
        response.body = R"({"results":[)";
        for (const std::string& result : results) {
            if (&result != &results.front()) response.body += ',';
            response.body += result;
        }
        response.body += "]}";
        respond(std::move(response));
    }
};

std::string result_text(const Result<PublishReceipt>& receipt) {
    std::string text;
    if (receipt) {
        json::ObjectWriter(text)
            .integer("message_id", static_cast<std::int64_t>(receipt->message_id))
            .end();
    } else {
        append_error(text, publish_error(receipt.error()));
    }
    return text;
}

/// Publishes the events one behind the other: one channel's are in order.
void publish_batch(RouteCall& call,
                   const std::vector<json::Value>& events,
                   const std::string& key,
                   const std::shared_ptr<Batch>& batch) {
    batch->results.resize(events.size());
    // One more than there are events, so that the answer waits for the end of the loop.
    batch->missing = events.size() + 1;
    for (std::size_t i = 0; i < events.size(); ++i) {
        auto event = read_event(events[i], call);
        if (!event) {
            std::string text;
            append_error(text, event.error());
            batch->set(i, std::move(text));
            continue;
        }
        // A repeated batch repeats each of its events: the place makes a key of one into many.
        if (!key.empty()) event->idempotency_key = key + ':' + std::to_string(i);
        call.hub.publish(std::move(*event), [batch, i](Result<PublishReceipt> receipt) {
            batch->set(i, result_text(receipt));
        });
    }
    if (--batch->missing == 0) batch->finish();
}

}  // namespace

void publish_event(RouteCall& call, Respond respond) {
    const Limits& limits = call.options.limits;
    const json::PaddedString text(call.request.body);
    const auto body = read_body(text);
    if (!body) return respond(error_answer(body.error()));
    auto key = read_idempotency_key(call.request, limits);
    if (!key) return respond(error_answer(key.error()));
    auto event = read_event(*body, call);
    if (!event) return respond(error_answer(event.error()));

    event->idempotency_key = std::move(*key);
    call.hub.publish(std::move(*event), [respond](Result<PublishReceipt> receipt) {
        if (!receipt) return respond(error_answer(publish_error(receipt.error())));
        Response response;
        json::ObjectWriter(response.body)
            .string("status", "ok")
            .integer("message_id", static_cast<std::int64_t>(receipt->message_id))
            .end();
        respond(std::move(response));
    });
}

void publish_events(RouteCall& call, Respond respond) {
    const Limits& limits = call.options.limits;
    const json::PaddedString text(call.request.body);
    const auto body = read_body(text);
    if (!body) return respond(error_answer(body.error()));
    auto key = read_idempotency_key(call.request, limits);
    if (!key) return respond(error_answer(key.error()));

    json::Value list;
    for (const json::Member& member : body->members()) {
        if (member.name.to_string() == "events") list = member.value;
    }
    if (!list.is(json::Kind::array)) {
        return respond(error_answer(bad_message("events must be an array")));
    }
    std::vector<json::Value> events;
    for (const json::Value& event : list.elements()) {
        if (events.size() == limits.batch_events) {
            return respond(error_answer(
                {400, "limit", "at most " + std::to_string(limits.batch_events) + " events"}));
        }
        events.push_back(event);
    }
    auto batch = std::make_shared<Batch>();
    batch->respond = std::move(respond);
    publish_batch(call, events, *key, batch);
}

}  // namespace roomcast::http

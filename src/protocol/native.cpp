// SPDX-License-Identifier: Apache-2.0
// What clients of the native dialect hear (docs/protocol.md, section 3).
#include "protocol/native.hpp"

#include "codec/json_writer.hpp"
#include "codec/websocket.hpp"
#include "protocol/native_command.hpp"
#include "util/assert.hpp"

namespace roomcast {

namespace {

// Names, punctuation and numbers of any event, so that the text is rarely moved while it grows.
constexpr std::size_t kEnvelopeBytes = 160;
// What a thread keeps for the next message: enough for all but a large channel's roster.
constexpr std::size_t kKeptBytes = 65'536;

/// An empty text with the memory of the last one, so that a message allocates its frame alone.
std::string& empty_text() {
    thread_local std::string text;
    if (text.capacity() > kKeptBytes) text = std::string();
    text.clear();
    return text;
}

/// The text of one message, begun with its type. One at a time on each thread.
class MessageText {
public:
    explicit MessageText(std::string_view type, std::size_t content_bytes = 0)
        : text_(empty_text()),
          fields_(text_) {
        text_.reserve(kEnvelopeBytes + content_bytes);
        fields_.key("type").append(1, '"').append(type).append(1, '"');
    }

    MessageText(const MessageText&) = delete;
    MessageText& operator=(const MessageText&) = delete;

    json::ObjectWriter& fields() { return fields_; }

    /// Echoes the client's mark, which is JSON text already.
    void id(const RequestId& id) {
        if (!id.empty()) fields_.raw("id", id);
    }

    void channel(const ChannelName& channel) { fields_.string("channel", channel.text()); }

    void users(std::span<const PresenceEntry> users);

    [[nodiscard]] FramePtr finish() {
        fields_.end();
        const auto header = websocket::encode_header(websocket::Opcode::text, text_.size());
        return FramePtr(Frame::make(header.bytes(), text_));
    }

private:
    std::string& text_;
    json::ObjectWriter fields_;
};

bool has_meta(const PresenceEntry& entry) {
    return entry.meta && !entry.meta->empty();
}

void MessageText::users(std::span<const PresenceEntry> users) {
    std::string& out = fields_.key("users");
    out += '[';
    bool is_first = true;
    for (const PresenceEntry& user : users) {
        if (!is_first) out += ',';
        is_first = false;
        json::ObjectWriter entry(out);
        entry.string("user_id", user.user_id);
        entry.raw("meta", has_meta(user) ? std::string_view(*user.meta) : "null");
        entry.integer("updated_at", user.updated_at);
        entry.end();
    }
    out += ']';
}

std::size_t size_of(std::span<const PresenceEntry> users) {
    constexpr std::size_t kNames = 48;  // {"user_id":"","meta":null,"updated_at":1620000000},
    std::size_t size = 0;
    for (const PresenceEntry& user : users) {
        size += kNames + user.user_id.size() + (has_meta(user) ? user.meta->size() : 0);
    }
    return size;
}

std::string_view type_of(PresenceChange change) {
    switch (change) {
        case PresenceChange::join:
            return "presence_join";
        case PresenceChange::update:
            return "presence_update";
        case PresenceChange::leave:
            return "presence_leave";
    }
    ASSERT(false);
}

std::string_view listen_words(ListenSet listen) {
    switch (listen) {
        case kListenNothing:
            return "[]";
        case kListenBroadcast:
            return R"(["broadcast"])";
        case kListenPresence:
            return R"(["presence"])";
        default:
            return R"(["broadcast","presence"])";
    }
}

std::int64_t to_integer(std::size_t value) {
    return static_cast<std::int64_t>(value);
}

void append_limits(std::string& out, const Limits& limits) {
    json::ObjectWriter fields(out);
    fields.integer("max_subscriptions", to_integer(limits.subscriptions))
        .integer("max_presence_channels", to_integer(limits.presence_channels))
        .integer("max_meta_bytes", to_integer(limits.meta_bytes))
        .integer("max_event_bytes", to_integer(limits.event_bytes))
        .integer("max_channel_bytes", to_integer(ChannelName::kMaxBytes))
        .integer("message_rate", limits.message_rate)
        .integer("message_burst", limits.message_burst)
        .integer("presence_rate", limits.presence_rate)
        .end();
}

}  // namespace

Outcome<Command, CommandError> NativeDialect::parse(std::string_view text,
                                                    std::string& scratch) const {
    return parse_native_command(text, scratch, limits_);
}

FramePtr NativeDialect::encode_broadcast(const BusMessage& message) const {
    MessageText text("broadcast",
                     message.channel.text().size() + message.event.size() + message.payload.size() +
                         message.user_id.size());
    text.channel(message.channel);
    text.fields().string("event", message.event).raw("payload", message.payload);
    if (!message.user_id.empty()) text.fields().string("user_id", message.user_id);
    text.fields().integer("ts", message.ts_ms);
    return text.finish();
}

FramePtr NativeDialect::encode_presence(const PresenceEvent& event) const {
    const PresenceEntry& entry = event.entry;
    MessageText text(type_of(event.change), has_meta(entry) ? entry.meta->size() : 0);
    text.channel(event.channel);
    text.fields().string("user_id", entry.user_id);
    if (event.change != PresenceChange::leave) {
        if (has_meta(entry)) text.fields().raw("meta", *entry.meta);
        text.fields().integer("updated_at", entry.updated_at);
    }
    text.fields().integer("ts", event.ts_ms);
    return text.finish();
}

FramePtr NativeDialect::encode_presence_sync(const ChannelName& channel,
                                             std::span<const PresenceEntry> users) const {
    MessageText text("presence_sync", size_of(users));
    text.channel(channel);
    text.users(users);
    return text.finish();
}

FramePtr NativeDialect::encode_gap(const ChannelName& channel, std::string_view reason) const {
    MessageText text("gap");
    text.channel(channel);
    text.fields().string("reason", reason);
    return text.finish();
}

FramePtr NativeDialect::encode_ack(const RequestId& id, std::int64_t ts_ms) const {
    MessageText text("ack");
    text.id(id);
    text.fields().integer("ts", ts_ms);
    return text.finish();
}

FramePtr NativeDialect::encode_subscribed(const RequestId& id,
                                          const ChannelName& channel,
                                          ListenSet listen) const {
    MessageText text("subscribed");
    text.id(id);
    text.channel(channel);
    text.fields().raw("listen", listen_words(listen));
    return text.finish();
}

FramePtr NativeDialect::encode_unsubscribed(const RequestId& id,
                                            const ChannelName& channel,
                                            std::optional<Errc> code) const {
    MessageText text("unsubscribed");
    text.id(id);
    text.channel(channel);
    if (code) text.fields().integer("code", wire_code(*code));
    return text.finish();
}

FramePtr NativeDialect::encode_presence_list(const RequestId& id,
                                             const ChannelName& channel,
                                             std::span<const PresenceEntry> users) const {
    MessageText text("presence", size_of(users));
    text.id(id);
    text.channel(channel);
    text.users(users);
    return text.finish();
}

FramePtr NativeDialect::encode_pong(const RequestId& id) const {
    MessageText text("pong");
    text.id(id);
    return text.finish();
}

FramePtr NativeDialect::encode_error(const CommandError& error) const {
    MessageText text("error");
    text.id(error.id);
    text.fields()
        .integer("code", wire_code(error.code))
        .string("reason", wire_reason(error.code))
        .string("message", error.message);
    if (!error.channel.empty()) text.fields().string("channel", error.channel);
    if (error.retry_after_ms) text.fields().integer("retry_after_ms", *error.retry_after_ms);
    return text.finish();
}

FramePtr NativeDialect::encode_welcome(const Welcome& welcome) const {
    ASSERT(welcome.limits != nullptr);
    const Limits& limits = *welcome.limits;
    MessageText text("welcome");
    text.fields()
        .string("connection_id", welcome.connection_id)
        .string("user_id", welcome.user_id)
        .integer("ping_interval_ms", std::chrono::milliseconds(limits.ping).count())
        .integer("max_message_bytes", to_integer(limits.message_bytes));
    append_limits(text.fields().key("limits"), limits);
    text.fields()
        .integer("server_time", welcome.server_time_ms)
        .string("server", welcome.server)
        .string("node", welcome.node);
    return text.finish();
}

FramePtr NativeDialect::encode_token_expiring(std::int64_t expires_at) const {
    MessageText text("token_expiring");
    text.fields().integer("expires_at", expires_at);
    return text.finish();
}

}  // namespace roomcast

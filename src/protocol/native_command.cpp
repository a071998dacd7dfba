// SPDX-License-Identifier: Apache-2.0
#include "protocol/native_command.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "codec/json.hpp"

namespace roomcast {

namespace {

constexpr std::size_t kMaxIdBytes = 64;
constexpr std::int64_t kMaxIdNumber = std::int64_t{1} << 53;  // beyond, JavaScript rounds

constexpr std::string_view kListenAllowed = "an array of \"broadcast\" and \"presence\"";

/// The fields that some command reads; of a repeated one the last. All others are ignored.
struct Fields {
    json::Value type, channel, event, payload, id, listen, self, key, token, since;

    void set(std::string_view name, json::Value value) {
        static constexpr std::pair<std::string_view, json::Value Fields::*> kSlots[] = {
            {"type", &Fields::type},
            {"channel", &Fields::channel},
            {"event", &Fields::event},
            {"payload", &Fields::payload},
            {"id", &Fields::id},
            {"listen", &Fields::listen},
            {"self", &Fields::self},
            {"key", &Fields::key},
            {"token", &Fields::token},
            {"since", &Fields::since},
        };
        for (const auto& [slot_name, slot] : kSlots) {
            if (slot_name != name) continue;
            this->*slot = value;
            return;
        }
    }
};

/// Of fields that may be left out: `null` is how many clients write "not set".
bool is_given(json::Value value) {
    return !value.is_absent() && !value.is(json::Kind::null);
}

std::string quoted(std::string_view name) {
    return '"' + std::string(name) + '"';
}

/// Text of the client within a sentence for it, unless that would be most of the sentence.
std::string shown(std::string_view text) {
    constexpr std::size_t kLongest = 64;
    return text.size() <= kLongest ? quoted(text)
                                   : "a text of " + std::to_string(text.size()) + " bytes";
}

std::string describe_channel_fault(std::string_view channel) {
    if (channel.empty()) return "\"channel\" is empty";
    if (channel.size() > ChannelName::kMaxBytes) {
        return "\"channel\" is longer than " + std::to_string(ChannelName::kMaxBytes) + " bytes";
    }
    return "\"channel\" holds a control character";
}

/// One message on its way to a command. Whatever is wrong is told with the id and the channel, as
/// far as those could be read.
class CommandReader {
public:
    CommandReader(std::string& scratch, const Limits& limits)
        : scratch_(scratch),
          limits_(limits) {}

    [[nodiscard]] Outcome<Command, CommandError> read(std::string_view text) {
        // Enough for each string and the payload once, so that views of it stay where they are.
        scratch_.clear();
        scratch_.reserve(text.size());
        const auto document = json::parse_object(text, [this](const json::Member& member) {
            fields_.set(*member.name.to_view(scratch_), member.value);
        });
        if (!document) return refuse_document(document.error());
        channel_ = fields_.channel.to_view(scratch_);
        if (!read_id()) {
            return refuse(Errc::bad_message,
                          "\"id\" must be a string of up to 64 bytes or an "
                          "integer between -2^53 and 2^53");
        }
        auto body = read_body();
        if (!body) return std::move(body).error();
        return Command{std::move(id_), *std::move(body)};
    }

private:
    using Body = Outcome<CommandBody, CommandError>;

    struct Type {
        std::string_view name;
        Body (CommandReader::*read)();
    };

    static const std::array<Type, 9> kTypes;

    /// In place: where a variant is moved, g++ 12 with sanitizers sees its other members unset.
    template <class OneCommand>
    [[nodiscard]] static Body make_body(OneCommand&& command) {
        return Body(boost::system::in_place_value, std::forward<OneCommand>(command));
    }

    [[nodiscard]] bool read_id() {
        const json::Value id = fields_.id;
        if (id.is_absent()) return true;
        if (const auto number = id.to_integer()) {
            if (*number < -kMaxIdNumber || *number > kMaxIdNumber) return false;
        } else {
            const auto text = id.to_view(scratch_);
            if (!text || text->size() > kMaxIdBytes) return false;
        }
        id_ = id.raw();
        return true;
    }

    [[nodiscard]] Body read_body() {
        const auto type = fields_.type.to_view(scratch_);
        if (!type) return refuse_field("type", fields_.type, "a string");
        for (const Type& known : kTypes) {
            if (known.name == *type) return (this->*known.read)();
        }
        if (*type == "history") {
            return refuse(Errc::bad_message,
                          "\"history\" is not available: this server keeps none");
        }
        std::string message = "unknown \"type\" " + shown(*type) + "; known are ";
        for (const Type& known : kTypes) {
            if (&known != kTypes.data()) message += ", ";
            message += known.name;
        }
        return refuse(Errc::bad_message, std::move(message));
    }

    [[nodiscard]] Body read_subscribe() {
        auto channel = read_channel();
        if (!channel) return std::move(channel).error();
        if (!fields_.listen.is(json::Kind::array)) {
            return refuse_field("listen", fields_.listen, kListenAllowed);
        }
        ListenSet listen = kListenNothing;
        for (const json::Value& element : fields_.listen.elements()) {
            const auto word = element.to_view(scratch_);
            if (word == "broadcast") {
                listen |= kListenBroadcast;
            } else if (word == "presence") {
                listen |= kListenPresence;
            } else {
                return refuse_listen(word ? shown(*word) : std::string(describe(element.kind())));
            }
        }
        if (is_given(fields_.since)) {
            return refuse(Errc::bad_message,
                          "\"since\" is not available: this server keeps no history");
        }
        return make_body(SubscribeCommand{*std::move(channel), listen});
    }

    [[nodiscard]] Body read_broadcast() {
        auto channel = read_channel();
        if (!channel) return std::move(channel).error();
        BroadcastCommand command;
        command.channel = *std::move(channel);
        if (is_given(fields_.event)) {
            const auto event = fields_.event.to_view(scratch_);
            if (!event) return refuse_field("event", fields_.event, "a string");
            if (event->size() > limits_.event_bytes) {
                return refuse_length("event", limits_.event_bytes);
            }
            command.event = *event;
        }
        if (is_given(fields_.self)) {
            const auto self = fields_.self.to_bool();
            if (!self) return refuse_field("self", fields_.self, "true or false");
            command.is_echoed = *self;
        }
        if (is_given(fields_.key)) {
            const auto key = fields_.key.to_view(scratch_);
            if (!key) return refuse_field("key", fields_.key, "a string");
            if (key->empty()) return refuse(Errc::bad_message, "\"key\" is empty");
            if (key->size() > limits_.idempotency_key_bytes) {
                return refuse_length("key", limits_.idempotency_key_bytes);
            }
            command.idempotency_key = *key;
        }
        command.payload = fields_.payload.is_absent() ? "null" : one_line(fields_.payload.raw());
        return make_body(std::move(command));
    }

    [[nodiscard]] Body read_presence_join() { return read_presence_set(false); }

    [[nodiscard]] Body read_presence_update() { return read_presence_set(true); }

    [[nodiscard]] Body read_presence_set(bool is_update) {
        auto channel = read_channel();
        if (!channel) return std::move(channel).error();
        std::string_view meta;
        if (is_given(fields_.payload)) {
            if (!fields_.payload.is(json::Kind::object)) {
                return refuse_field("payload", fields_.payload, "an object (or left out)");
            }
            meta = one_line(fields_.payload.raw());
            if (meta.size() > limits_.meta_bytes) {
                return refuse_length("payload", limits_.meta_bytes);
            }
        }
        return make_body(PresenceSetCommand{*std::move(channel), meta, is_update});
    }

    /// A command that has a channel and nothing else.
    template <class ChannelCommand>
    [[nodiscard]] Body read_channel_command() {
        auto channel = read_channel();
        if (!channel) return std::move(channel).error();
        return make_body(ChannelCommand{*std::move(channel)});
    }

    [[nodiscard]] Body read_ping() { return make_body(PingCommand{}); }

    [[nodiscard]] Body read_refresh() {
        const auto token = fields_.token.to_view(scratch_);
        if (!token) return refuse_field("token", fields_.token, "a string");
        return make_body(RefreshCommand{*token});
    }

    [[nodiscard]] Outcome<ChannelName, CommandError> read_channel() {
        if (!channel_) return refuse_field("channel", fields_.channel, "a string");
        auto channel = ChannelName::make(*channel_);
        if (!channel) return refuse(channel.error(), describe_channel_fault(*channel_));
        return *std::move(channel);
    }

    /// Line breaks can only stand between tokens, so that text without any, the usual case, is used
    /// where it is.
    [[nodiscard]] std::string_view one_line(std::string_view raw) {
        if (raw.starts_with('"')) return raw;
        if (raw.find('\n') == raw.npos && raw.find('\r') == raw.npos) return raw;
        const std::size_t start = scratch_.size();
        json::append_one_line(scratch_, raw);
        return std::string_view(scratch_).substr(start);
    }

    [[nodiscard]] CommandError refuse(Errc code, std::string message) const {
        CommandError error{code, std::move(message)};
        error.id = id_;
        // A name that is too long to be one is not worth sending back.
        if (channel_ && channel_->size() <= ChannelName::kMaxBytes) error.channel = *channel_;
        return error;
    }

    [[nodiscard]] CommandError refuse_document(const json::ParseError& error) const {
        if (error.problem == json::Problem::not_an_object) {
            return refuse(Errc::bad_message, "a message must be one JSON object");
        }
        return refuse(Errc::bad_message, "the message is not valid JSON: " + describe(error));
    }

    [[nodiscard]] CommandError refuse_field(std::string_view name,
                                            json::Value value,
                                            std::string_view allowed) const {
        std::string message = quoted(name) + " must be " + std::string(allowed);
        message +=
            value.is_absent() ? ", and is missing" : ", not " + std::string(describe(value.kind()));
        return refuse(Errc::bad_message, std::move(message));
    }

    [[nodiscard]] CommandError refuse_listen(const std::string& found) const {
        return refuse(Errc::bad_message,
                      "\"listen\" must be " + std::string(kListenAllowed) + ", and holds " + found);
    }

    [[nodiscard]] CommandError refuse_length(std::string_view name, std::size_t limit) const {
        return refuse(Errc::limit,
                      quoted(name) + " is longer than " + std::to_string(limit) + " bytes");
    }

    std::string& scratch_;
    const Limits& limits_;
    Fields fields_;
    RequestId id_;
    std::optional<std::string_view> channel_;
};

const std::array<CommandReader::Type, 9> CommandReader::kTypes = {{
    {"broadcast", &CommandReader::read_broadcast},
    {"subscribe", &CommandReader::read_subscribe},
    {"unsubscribe", &CommandReader::read_channel_command<UnsubscribeCommand>},
    {"presence_join", &CommandReader::read_presence_join},
    {"presence_update", &CommandReader::read_presence_update},
    {"presence_leave", &CommandReader::read_channel_command<PresenceLeaveCommand>},
    {"presence_get", &CommandReader::read_channel_command<PresenceGetCommand>},
    {"ping", &CommandReader::read_ping},
    {"refresh", &CommandReader::read_refresh},
}};

}  // namespace

Outcome<Command, CommandError> parse_native_command(std::string_view text,
                                                    std::string& scratch,
                                                    const Limits& limits) {
    return CommandReader(scratch, limits).read(text);
}

}  // namespace roomcast

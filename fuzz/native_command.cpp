// SPDX-License-Identifier: Apache-2.0
// Client messages of the native dialect: whatever is taken can be sent on as sound JSON on one
// line, and whatever is refused is refused with sound JSON too.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <simdjson.h>

#include "codec/json.hpp"
#include "fuzz/require.hpp"
#include "fuzz/simdjson_verdict.hpp"
#include "protocol/native.hpp"

namespace {

using namespace roomcast;

bool is_sound(std::string_view text) {
    if (text.find_first_of("\r\n") != std::string_view::npos) return false;
    simdjson::dom::parser parser;
    const auto error = parser.parse(text.data(), text.size()).error();
    return !error || is_number_problem(error);
}

bool is_object(std::string_view text) {
    return text.starts_with('{') && is_sound(text);
}

class Reaction {
public:
    explicit Reaction(const NativeDialect& dialect) : dialect_(dialect) {}

    void operator()(const BroadcastCommand& command) const {
        REQUIRE(is_sound(command.payload));
        BusMessage message;
        message.channel = command.channel;
        message.event = command.event;
        message.payload = command.payload;
        message.user_id = command.idempotency_key;  // any text will do
        REQUIRE(is_object(dialect_.encode_broadcast(message)->text()));
    }

    void operator()(const PresenceSetCommand& command) const {
        REQUIRE(command.meta.empty() || is_object(command.meta));
        const auto meta = std::make_shared<const std::string>(command.meta);
        const PresenceEntry users[] = {{"alice", meta, 1}, {"bob", meta, 2}};
        REQUIRE(is_object(dialect_.encode_presence_sync(command.channel, users)->text()));
        const PresenceEvent event{PresenceChange::join, command.channel, users[0], 1, 1};
        REQUIRE(is_object(dialect_.encode_presence(event)->text()));
    }

    void operator()(const SubscribeCommand& command) const {
        REQUIRE(!command.channel.is_empty());
        REQUIRE(
            is_object(dialect_.encode_subscribed("1", command.channel, command.listen)->text()));
    }

    template <class Other>
    void operator()(const Other&) const {}

private:
    const NativeDialect& dialect_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Limits kLimits;
    static const NativeDialect kDialect(kLimits);
    static std::string scratch;
    const json::PaddedString text(std::string_view(reinterpret_cast<const char*>(data), size));

    const auto command = kDialect.parse(text.text(), scratch);
    if (!command) {
        const CommandError error = command.error();
        REQUIRE(!error.message.empty());
        REQUIRE(is_object(kDialect.encode_error(error)->text()));
        return 0;
    }
    if (!command->id.empty()) REQUIRE(is_object(kDialect.encode_ack(command->id, 1)->text()));
    std::visit(Reaction(kDialect), command->body);
    return 0;
}

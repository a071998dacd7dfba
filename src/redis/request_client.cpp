// SPDX-License-Identifier: Apache-2.0
#include "redis/request_client.hpp"

#include <utility>

#include "util/assert.hpp"

namespace roomcast::redis {

void RequestClient::call(std::string_view key, resp::Command command, ReplyCallback done) {
    send(key, make_call(command, std::move(done)));
}

void RequestClient::eval(const Script& script,
                         std::span<const std::string> keys,
                         std::span<const std::string> arguments,
                         ReplyCallback done) {
    ASSERT(!keys.empty());
    send(keys.front(), make_eval(script, keys, arguments, std::move(done)));
}

void RequestClient::transaction(std::string_view key,
                                std::vector<resp::Command> commands,
                                ReplyCallback done) {
    send(key, make_transaction(commands, std::move(done)));
}

void RequestClient::publish(std::string_view channel,
                            std::string_view payload,
                            ReplyCallback done) {
    resp::Command command{publish_command()};
    send(channel, make_call(command.add(channel).add(payload), std::move(done)));
}

}  // namespace roomcast::redis

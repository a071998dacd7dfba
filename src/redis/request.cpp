// SPDX-License-Identifier: Apache-2.0
#include "redis/request.hpp"

#include <utility>

#include "util/assert.hpp"

namespace roomcast::redis {

namespace {

/// EVALSHA and the name of the script, as Command writes them behind the number of words.
constexpr std::size_t kEvalshaBytes =
    std::string_view("$7\r\nEVALSHA\r\n$40\r\n").size() + 40 + std::string_view("\r\n").size();

}  // namespace

Request make_call(const resp::Command& command, ReplyCallback done) {
    Request request;
    command.append_to(request.bytes);
    request.done = std::move(done);
    return request;
}

Request make_eval(const Script& script,
                  std::span<const std::string> keys,
                  std::span<const std::string> arguments,
                  ReplyCallback done) {
    resp::Command command{"EVALSHA", script.sha1};
    command.add(static_cast<std::int64_t>(keys.size()));
    for (const std::string& key : keys)
        command.add(key);
    for (const std::string& argument : arguments)
        command.add(argument);
    Request request = make_call(command, std::move(done));
    request.script = &script;
    return request;
}

Request make_transaction(const std::vector<resp::Command>& commands, ReplyCallback done) {
    Request request = make_call({"MULTI"}, std::move(done));
    for (const resp::Command& command : commands)
        command.append_to(request.bytes);
    resp::Command{"EXEC"}.append_to(request.bytes);
    request.replies = static_cast<std::uint32_t>(commands.size() + 2);
    request.is_transaction = true;
    return request;
}

void send_whole_script(Request& request) {
    const std::string& text = request.script->text;
    const std::size_t words_end = request.bytes.find('\n') + 1;
    ASSERT(words_end != 0 && request.bytes.size() > words_end + kEvalshaBytes);
    request.bytes.replace(words_end,
                          kEvalshaBytes,
                          "$4\r\nEVAL\r\n$" + std::to_string(text.size()) + "\r\n" + text + "\r\n");
    request.script = nullptr;
}

}  // namespace roomcast::redis

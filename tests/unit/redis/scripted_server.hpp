// SPDX-License-Identifier: Apache-2.0
// A Redis server for unit tests: it reads the commands that came over a FakePeer and says what the
// test tells it to say.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "codec/resp.hpp"
#include "tests/support/fake_loop.hpp"

namespace roomcast::test {

class ScriptedServer {
public:
    using Command = std::vector<std::string>;

    explicit ScriptedServer(FakePeer& peer) : peer_(&peer) {}

    /// The commands since the last call, each as its words.
    [[nodiscard]] std::vector<Command> take_commands() {
        reader_.feed(peer_->take_received());
        std::vector<Command> commands;
        for (auto next = reader_.next(); next && *next; next = reader_.next()) {
            Command& command = commands.emplace_back();
            for (const resp::Value& word : (*next)->items)
                command.push_back(word.text);
        }
        return commands;
    }

    /// The names alone.
    [[nodiscard]] std::vector<std::string> take_names() {
        std::vector<std::string> names;
        for (const Command& command : take_commands())
            names.push_back(command.front());
        return names;
    }

    void send(std::string_view bytes) const { peer_->send(bytes); }

    /// Opens the connection and answers the greeting as a server of `mode` does.
    void greet(std::string_view mode = "standalone", std::string_view version = "7.0.15") {
        peer_->open();
        std::string answers;
        for (const Command& command : take_commands())
            answers += greeting_answer(command, mode, version);
        send(answers);
    }

    [[nodiscard]] static std::string text(std::string_view value) {
        return "$" + std::to_string(value.size()) + "\r\n" + std::string(value) + "\r\n";
    }

    [[nodiscard]] static std::string push(std::string_view kind,
                                          std::string_view channel,
                                          std::string_view payload) {
        return ">3\r\n" + text(kind) + text(channel) + text(payload);
    }

    /// "subscribe", "unsubscribe", …
    [[nodiscard]] static std::string confirm(std::string_view kind, std::string_view channel) {
        return ">3\r\n" + text(kind) + text(channel) + ":1\r\n";
    }

    [[nodiscard]] const std::string& probe_channel() const { return probe_channel_; }

private:
    [[nodiscard]] std::string greeting_answer(const Command& command,
                                              std::string_view mode,
                                              std::string_view version) {
        if (command[0] == "HELLO") {
            return "%3\r\n" + text("version") + text(version) + text("mode") + text(mode) +
                   text("role") + text("master");
        }
        if (command[0] == "SUBSCRIBE") {
            probe_channel_ = command[1];
            return confirm("subscribe", probe_channel_);
        }
        return command[0] == "PING" ? "+PONG\r\n" : "+OK\r\n";
    }

    FakePeer* peer_;
    resp::Reader reader_;
    std::string probe_channel_;
};

}  // namespace roomcast::test

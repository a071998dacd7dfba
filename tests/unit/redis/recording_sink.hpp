// SPDX-License-Identifier: Apache-2.0
// What a client tells, as lines, and notes on the answers to its calls.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "redis/client.hpp"

namespace roomcast::test {

class RecordingSink final : public redis::ClientSink {
public:
    void on_state(bool is_connected, std::string_view detail) override {
        lines.push_back((is_connected ? "up: " : "down: ") + std::string(detail));
    }

    void on_subscribed(const std::string& channel, bool may_have_missed) override {
        lines.push_back("subscribed " + channel + (may_have_missed ? " again" : ""));
    }

    void on_message(std::string_view channel, std::string_view payload) override {
        lines.push_back(std::string(channel) + "=" + std::string(payload));
    }

    void on_subscribe_refused(const std::string& channel, std::string_view error) override {
        lines.push_back("refused " + channel + ": " + std::string(error));
    }

    /// Writes the answer as a line: its text, or its error.
    [[nodiscard]] redis::ReplyCallback note(const std::string& name) {
        return [this, name](const redis::Reply& reply) {
            static constexpr const char* kFaults[] = {"not sent", "interrupted", "refused"};
            if (reply) {
                lines.push_back(name + ": " + reply->text);
            } else {
                lines.push_back(name + ": " + kFaults[static_cast<int>(reply.error().fault)] +
                                ": " + reply.error().text);
            }
        };
    }

    [[nodiscard]] std::vector<std::string> take() { return std::exchange(lines, {}); }

    std::vector<std::string> lines;
};

}  // namespace roomcast::test

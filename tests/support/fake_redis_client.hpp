// SPDX-License-Identifier: Apache-2.0
// A Redis client whose answers a test gives by hand, in the order of the calls.
#pragma once

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis/client.hpp"

namespace roomcast::test {

inline resp::Value integer_value(std::int64_t number) {
    resp::Value value;
    value.kind = resp::Kind::integer;
    value.integer = number;
    return value;
}

inline resp::Value text_value(std::string text) {
    resp::Value value;
    value.kind = resp::Kind::string;
    value.text = std::move(text);
    return value;
}

inline resp::Value array_value(std::vector<resp::Value> items) {
    resp::Value value;
    value.kind = resp::Kind::array;
    value.items = std::move(items);
    return value;
}

/// Single-threaded.
class FakeRedisClient final : public redis::Client {
public:
    /// One call that is not answered yet.
    struct Call {
        std::string name;  // the command's, "MULTI", or "EVAL"
        const redis::Script* script = nullptr;
        std::vector<std::string> keys;
        std::vector<std::string> arguments;
        redis::ReplyCallback done;
    };

    void start(redis::ClientSink& sink) override { sink_ = &sink; }

    void stop() override {
        is_connected_ = false;
        fail_all();
    }

    [[nodiscard]] bool is_connected() const override { return is_connected_; }

    void call(std::string_view key, resp::Command command, redis::ReplyCallback done) override {
        take({.name = std::string(command.name()),
              .keys = {std::string(key)},
              .arguments = {},
              .done = std::move(done)});
    }

    void eval(const redis::Script& script,
              std::span<const std::string> keys,
              std::span<const std::string> arguments,
              redis::ReplyCallback done) override {
        take({.name = "EVAL",
              .script = &script,
              .keys = {keys.begin(), keys.end()},
              .arguments = {arguments.begin(), arguments.end()},
              .done = std::move(done)});
    }

    void transaction(std::string_view key,
                     std::vector<resp::Command> /*commands*/,
                     redis::ReplyCallback done) override {
        take({.name = "MULTI",
              .keys = {std::string(key)},
              .arguments = {},
              .done = std::move(done)});
    }

    void publish(std::string_view /*channel*/,
                 std::string_view /*payload*/,
                 redis::ReplyCallback done) override {
        take({.name = "PUBLISH", .keys = {}, .arguments = {}, .done = std::move(done)});
    }

    [[nodiscard]] std::string_view publish_command() const override { return "PUBLISH"; }

    void subscribe(const std::string& channel, std::string_view /*key*/) override {
        subscribed.insert(channel);
    }

    void unsubscribe(const std::string& channel) override { subscribed.erase(channel); }

    void reconnect(std::string_view /*reason*/) override {}

    [[nodiscard]] redis::ClientFigures figures() const override { return {}; }

    void connect() {
        is_connected_ = true;
        sink_->on_state(true, "fake");
    }

    void disconnect() {
        is_connected_ = false;
        fail_all();
        sink_->on_state(false, "fake");
    }

    /// Answers the oldest call of that name, or of that script; false: there is none.
    bool answer(const redis::Script& script, redis::Reply reply) {
        return answer_first([&](const Call& call) { return call.script == &script; },
                            std::move(reply));
    }

    bool answer(std::string_view name, redis::Reply reply) {
        return answer_first([&](const Call& call) { return call.name == name; }, std::move(reply));
    }

    [[nodiscard]] std::size_t count(const redis::Script& script) const {
        std::size_t found = 0;
        for (const Call& call : calls)
            found += call.script == &script ? 1 : 0;
        return found;
    }

    [[nodiscard]] std::size_t count(std::string_view name) const {
        std::size_t found = 0;
        for (const Call& call : calls)
            found += call.name == name ? 1 : 0;
        return found;
    }

    [[nodiscard]] const Call* find(const redis::Script& script) const {
        for (const Call& call : calls) {
            if (call.script == &script) return &call;
        }
        return nullptr;
    }

    std::deque<Call> calls;
    std::set<std::string> subscribed;

private:
    void take(Call call) {
        if (!is_connected_) {
            return call.done(redis::Error{redis::Fault::not_sent, "not connected"});
        }
        calls.push_back(std::move(call));
    }

    template <class Matches>
    bool answer_first(Matches matches, redis::Reply reply) {
        for (auto call = calls.begin(); call != calls.end(); ++call) {
            if (!matches(*call)) continue;
            const redis::ReplyCallback done = std::move(call->done);
            calls.erase(call);
            done(std::move(reply));
            if (sink_) sink_->on_batch_end();
            return true;
        }
        return false;
    }

    void fail_all() {
        for (Call& call : std::exchange(calls, {}))
            call.done(redis::Error{redis::Fault::interrupted, "connection closed"});
    }

    redis::ClientSink* sink_ = nullptr;
    bool is_connected_ = false;
};

}  // namespace roomcast::test

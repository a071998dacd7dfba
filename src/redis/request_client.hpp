// SPDX-License-Identifier: Apache-2.0
// What all kinds of clients make of calls: requests, on their way to the server of a key.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis/client.hpp"
#include "redis/counters.hpp"
#include "redis/request.hpp"

namespace roomcast::redis {

class RequestClient : public Client {
public:
    void call(std::string_view key, resp::Command command, ReplyCallback done) final;
    void eval(const Script& script,
              std::span<const std::string> keys,
              std::span<const std::string> arguments,
              ReplyCallback done) final;
    void transaction(std::string_view key,
                     std::vector<resp::Command> commands,
                     ReplyCallback done) final;
    void publish(std::string_view channel, std::string_view payload, ReplyCallback done) override;

    [[nodiscard]] ClientFigures figures() const final { return counters_.figures(); }

protected:
    /// Sends `request` to the server that owns `key`, or answers it from within.
    virtual void send(std::string_view key, Request request) = 0;

    [[nodiscard]] Counters& counters() { return counters_; }

private:
    Counters counters_;
};

}  // namespace roomcast::redis

// SPDX-License-Identifier: Apache-2.0
// One call on its way: the bytes that go out, and who waits for what comes back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/resp.hpp"
#include "redis/client.hpp"
#include "util/clock.hpp"

namespace roomcast::redis {

struct Request {
    std::string bytes;          // whole commands
    std::uint32_t replies = 1;  // what they are answered with; the last one counts
    ReplyCallback done;
    SteadyTime due = {};

    /// EVALSHA of it, which becomes EVAL where the server does not know it.
    const Script* script = nullptr;
    /// An array of results, of which none may be an error.
    bool is_transaction = false;
    /// ASKING goes before it.
    bool is_asking = false;
    /// Made by the connection itself: neither limited nor counted.
    bool is_own = false;

    // In Cluster mode:
    std::uint16_t slot = 0;
    std::uint8_t redirects = 0;     // that it has followed
    SteadyTime retried_until = {};  // not sent again after that

    [[nodiscard]] std::size_t size_bytes() const { return bytes.size() + kOverhead; }

    void fail(Fault fault, std::string text) { done(Error{fault, std::move(text)}); }

private:
    static constexpr std::size_t kOverhead = 256;  // this struct, a node of a queue, the callback
};

[[nodiscard]] Request make_call(const resp::Command& command, ReplyCallback done);
[[nodiscard]] Request make_eval(const Script& script,
                                std::span<const std::string> keys,
                                std::span<const std::string> arguments,
                                ReplyCallback done);
[[nodiscard]] Request make_transaction(const std::vector<resp::Command>& commands,
                                       ReplyCallback done);

/// Turns a request of make_eval() into EVAL with the whole text.
void send_whole_script(Request& request);

}  // namespace roomcast::redis

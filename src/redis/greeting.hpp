// SPDX-License-Identifier: Apache-2.0
// What a connection says first, and what is wrong when the server does not like it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/resp.hpp"
#include "redis/client.hpp"

namespace roomcast::redis {

enum class ServerKind : std::uint8_t { standalone, sentinel, cluster };

struct Greeting {
    std::string user;      // empty: the default user
    std::string password;  // with an empty user: no AUTH
    std::string name;      // of this client; empty: none
    int database = 0;
    ServerKind kind = ServerKind::standalone;
    std::vector<const Script*> scripts = {};
    /// Subscribe to a channel of its own, on which probes come back. Without, a probe is a PING:
    /// sentinels publish nothing for others.
    bool has_probe_channel = true;
};

/// What the answer to HELLO tells.
struct ServerFacts {
    std::string version;  // "7.0.15"
    int major_version = 0;
};

[[nodiscard]] resp::Command hello_command(const Greeting& greeting);

/// Reads the answer to HELLO. Error: a sentence on why this is not a server for us.
struct GreetingProblem {
    std::string text;
    bool is_configuration = false;
};

[[nodiscard]] Outcome<ServerFacts, GreetingProblem> read_hello(const resp::Value& answer,
                                                               ServerKind expected);
/// Says what an error in answer to `step` ("HELLO", "SCRIPT LOAD", …) means.
[[nodiscard]] GreetingProblem explain_refusal(std::string_view step, const std::string& error);

}  // namespace roomcast::redis

// SPDX-License-Identifier: Apache-2.0
#include "redis/greeting.hpp"

#include <charconv>

namespace roomcast::redis {

namespace {

std::string text_of(const resp::Value& answer, std::string_view key) {
    const resp::Value* found = answer.find(key);
    return found ? found->text : std::string();
}

/// Why a server of `mode` (from HELLO) is no server of the expected kind; empty when it is.
std::string explain_mode(std::string_view mode, ServerKind expected) {
    // Proxies and look-alikes leave it out.
    if (mode.empty()) return {};
    switch (expected) {
        case ServerKind::standalone:
            if (mode == "cluster") return "the server is in cluster mode; use redis+cluster://";
            if (mode == "sentinel") return "the server is a sentinel; use redis+sentinel://";
            return {};
        case ServerKind::sentinel:
            return mode == "sentinel" ? "" : "the server is not a sentinel; use redis://";
        case ServerKind::cluster:
            return mode == "cluster" ? ""
                                     : "cluster support is disabled at the server; use redis://";
    }
    return {};
}

}  // namespace

resp::Command hello_command(const Greeting& greeting) {
    resp::Command command{"HELLO", "3"};
    if (!greeting.user.empty() || !greeting.password.empty()) {
        command.add("AUTH");
        command.add(greeting.user.empty() ? "default" : std::string_view(greeting.user));
        command.add(greeting.password);
    }
    if (!greeting.name.empty()) command.add("SETNAME").add(greeting.name);
    return command;
}

Outcome<ServerFacts, GreetingProblem> read_hello(const resp::Value& answer, ServerKind expected) {
    if (answer.kind != resp::Kind::map) {
        return GreetingProblem{"the server does not speak RESP3: Redis 6 or newer is needed", true};
    }
    if (std::string problem = explain_mode(text_of(answer, "mode"), expected); !problem.empty()) {
        return GreetingProblem{std::move(problem), true};
    }
    // A replica takes PUBLISH and keeps it to itself. No mistake in the settings: after a failover
    // this is what the old master answers.
    if (const std::string role = text_of(answer, "role"); !role.empty() && role != "master") {
        if (expected == ServerKind::standalone) {
            return GreetingProblem{"the server is a replica, not a master", false};
        }
    }
    ServerFacts facts;
    facts.version = text_of(answer, "version");
    // Leaves 0 where no number stands: then nothing of a newer Redis is used.
    (void)std::from_chars(
        facts.version.data(), facts.version.data() + facts.version.size(), facts.major_version);
    return facts;
}

GreetingProblem explain_refusal(std::string_view step, const std::string& error) {
    const resp::Value answer{.kind = resp::Kind::error, .integer = 0, .text = error, .items = {}};
    if (answer.has_code("WRONGPASS")) return {error, true};
    if (answer.has_code("NOAUTH")) return {"NOAUTH the server wants a password", true};
    if (answer.has_code("NOPERM")) {
        return {error + " (" + std::string(step) + " when connecting)", true};
    }
    if (answer.has_code("LOADING")) return {"LOADING the server is loading its data set", false};
    if (answer.has_code("NOPROTO") ||
        (step == "HELLO" && error.starts_with("ERR unknown command"))) {
        return {"the server does not speak RESP3: Redis 6 or newer is needed", true};
    }
    return {error, false};
}

}  // namespace roomcast::redis

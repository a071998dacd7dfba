// SPDX-License-Identifier: Apache-2.0
// The program's commands other than serving: each reads settings, does one thing and ends.
#pragma once

#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/settings.hpp"
#include "util/clock.hpp"
#include "util/result.hpp"

namespace roomcast {

/// One HTTP exchange of the `publish` and `health` commands.
struct HttpCall {
    std::string method = "GET";
    std::string url = {};
    std::string bearer = {};  // empty: no Authorization
    std::string body = {};    // JSON; empty: none
    /// The server is this machine's own, reached by an address that its certificate need not name.
    bool is_own_server = false;
};

struct HttpAnswer {
    int status = 0;
    std::string body;
};

/// Makes the call and waits for the answer, within a bounded time: call_http(), or a fake. Error: a
/// sentence.
using HttpCaller = std::function<Outcome<HttpAnswer, std::string>(const HttpCall& call)>;

/// What the commands need of the world.
struct CommandContext {
    std::span<const char* const> arguments;  // behind the program's name
    const char* const* environment = nullptr;
    FileReader read_file = read_small_file;
    HttpCaller call_http;
    const Clock& clock;
    std::ostream& out;
    std::ostream& error;
    std::string version;  // "1.0.0"
    /// Runs the server with the settings until it stops; gives the exit status. Warnings about the
    /// settings are its to log.
    std::function<int(LoadedSettings loaded)> serve;
};

/// Runs the command that the arguments ask for; gives the exit status.
[[nodiscard]] int run_command(const CommandContext& context);

}  // namespace roomcast

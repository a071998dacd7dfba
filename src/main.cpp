// SPDX-License-Identifier: Apache-2.0
// The program: settings and subcommands are app's business, see src/app/commands.hpp.
#include <exception>
#include <iostream>
#include <string>

#include "app/commands.hpp"
#include "app/http_caller.hpp"
#include "app/server.hpp"
#include "app/version.hpp"
#include "util/clock.hpp"

extern char** environ;

int main(int argc, char** argv) {
    try {
        const roomcast::SystemClock clock;
        return roomcast::run_command({.arguments = {argv + 1, static_cast<std::size_t>(argc - 1)},
                                      .environment = environ,
                                      .call_http = roomcast::call_http,
                                      .clock = clock,
                                      .out = std::cout,
                                      .error = std::cerr,
                                      .version = std::string(roomcast::kVersion),
                                      .serve = [&clock](const roomcast::LoadedSettings& loaded) {
                                          return roomcast::serve(loaded, clock);
                                      }});
    } catch (const std::exception& error) {
        std::cerr << "roomcast: " << error.what() << std::endl;
        return 1;
    }
}

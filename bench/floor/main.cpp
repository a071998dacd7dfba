// SPDX-License-Identifier: Apache-2.0
// bench_floor send|batch|uring: starts the floor and prints "ready addr=127.0.0.1:PORT".
#include <cstdio>

#include "common/socket.hpp"
#include "floor/sender.hpp"
#include "floor/server.hpp"

int main(int argc, char** argv) {
    using namespace roomcast::bench;
    const auto sender = make_sender(argc == 2 ? argv[1] : "");
    if (!sender) give_up("usage: bench_floor send|batch|uring");
    raise_file_limit();
    FloorServer server(*sender);
    std::printf("ready addr=127.0.0.1:%u\n", static_cast<unsigned>(server.port()));
    std::fflush(stdout);
    server.run();
}

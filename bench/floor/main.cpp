// SPDX-License-Identifier: Apache-2.0
// bench_floor send|batch|uring [REDIS_PORT]: starts the floor and prints "ready
// addr=127.0.0.1:PORT". With the port of a Redis on 127.0.0.1, several are one: the bare relay.
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "common/socket.hpp"
#include "floor/relay.hpp"
#include "floor/sender.hpp"
#include "floor/server.hpp"

int main(int argc, char** argv) {
    using namespace roomcast::bench;
    const auto sender = make_sender(argc >= 2 ? argv[1] : "");
    if (!sender || argc > 3) give_up("usage: bench_floor send|batch|uring [REDIS_PORT]");
    raise_file_limit();
    std::optional<RedisRelay> relay;
    if (argc == 3) {
        const std::string_view text = argv[2];
        std::uint16_t port = 0;
        if (std::from_chars(text.data(), text.data() + text.size(), port).ec != std::errc()) {
            give_up("the port of Redis is no number");
        }
        relay.emplace(port);
    }
    FloorServer server(*sender, relay ? &*relay : nullptr);
    std::printf("ready addr=127.0.0.1:%u\n", static_cast<unsigned>(server.port()));
    std::fflush(stdout);
    server.run();
}

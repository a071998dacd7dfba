// SPDX-License-Identifier: Apache-2.0
// What makes several floors one: each hands its publications to Redis and gets those of all back.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/socket.hpp"

namespace roomcast::bench {

/// Listens to `broadcast.*`, as gateways of the base system do: to every channel of all of them.
class RedisRelay {
public:
    using OnMessage = std::function<void(std::string_view channel, std::string_view text)>;

    /// Gives up when no Redis listens on that port of 127.0.0.1.
    explicit RedisRelay(std::uint16_t port);

    /// Readable when read_all() has something to do.
    [[nodiscard]] int fd() const { return subscription_.get(); }

    /// Queues a publication until flush().
    void publish(std::string_view channel, std::string_view text);
    void flush();
    void read_all(const OnMessage& on_message);

private:
    std::size_t take(std::string_view bytes, const OnMessage& on_message);

    UniqueFd publisher_;
    UniqueFd subscription_;
    std::string out_;
    std::string in_;
};

}  // namespace roomcast::bench

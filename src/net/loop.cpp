// SPDX-License-Identifier: Apache-2.0
#include "net/loop.hpp"

#include <future>

namespace roomcast::net {

std::string to_text(const Endpoint& endpoint) {
    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    const std::string host = is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
    return host + ":" + std::to_string(endpoint.port);
}

void run_and_wait(Loop& loop, const std::function<void()>& work) {
    // Shared, for the loop may still be in set_value() when the wait is over.
    const auto done = std::make_shared<std::promise<void>>();
    std::future<void> result = done->get_future();
    loop.post([&work, done] {
        work();
        done->set_value();
    });
    result.wait();
}

}  // namespace roomcast::net

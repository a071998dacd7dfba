// SPDX-License-Identifier: Apache-2.0
#include "net/loop.hpp"

namespace roomcast::net {

std::string to_text(const Endpoint& endpoint) {
    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    const std::string host = is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
    return host + ":" + std::to_string(endpoint.port);
}

}  // namespace roomcast::net

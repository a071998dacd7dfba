// SPDX-License-Identifier: Apache-2.0
#include "model/listen_address.hpp"

#include <arpa/inet.h>

namespace roomcast {

bool ListenAddress::is_loopback() const {
    in_addr v4{};
    const bool is_v4 = ::inet_pton(AF_INET, host.c_str(), &v4) == 1;
    return host == "localhost" || host == "::1" || (is_v4 && host.starts_with("127."));
}

std::string ListenAddress::text() const {
    const bool is_v6 = host.find(':') != std::string::npos;
    return (is_v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

}  // namespace roomcast

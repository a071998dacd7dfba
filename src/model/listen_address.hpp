// SPDX-License-Identifier: Apache-2.0
// Where a listener binds.
#pragma once

#include <cstdint>
#include <string>

namespace roomcast {

struct ListenAddress {
    std::string host;        // IP address or name, without brackets; empty: all interfaces
    std::uint16_t port = 0;  // 0: the system picks one

    /// Only programs on this machine can reach it.
    [[nodiscard]] bool is_loopback() const;
    /// As SERVER_ADDR spells it: `:8080`, `127.0.0.1:8080`, `[::1]:8080`.
    [[nodiscard]] std::string text() const;

    friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Why the server closes a WebSocket connection (RFC 6455 section 7.4, docs/protocol.md section 5).
#pragma once

#include <cstdint>

namespace roomcast {

enum class CloseCode : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    unsupported_data = 1003,
    invalid_payload = 1007,
    policy_violation = 1008,
    message_too_big = 1009,
    internal_error = 1011,
    service_restart = 1012,
    try_again_later = 1013,
    slow_consumer = 4008,
    rate_limited = 4029,
    token_expired = 4401,
    disconnected_by_api = 4403,
};

}  // namespace roomcast

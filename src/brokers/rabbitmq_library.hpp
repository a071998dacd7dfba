// SPDX-License-Identifier: Apache-2.0
// rabbitmq-c, whose headers have moved in 0.12. For the rabbitmq_*.cpp files.
#pragma once

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

#include <string_view>

namespace roomcast::rabbitmq {

/// The library never writes to such bytes.
[[nodiscard]] inline amqp_bytes_t to_bytes(std::string_view text) {
    return {text.size(), const_cast<char*>(text.data())};
}

[[nodiscard]] inline std::string_view to_view(amqp_bytes_t bytes) {
    return bytes.len == 0 ? std::string_view()
                          : std::string_view(static_cast<const char*>(bytes.bytes), bytes.len);
}

}  // namespace roomcast::rabbitmq

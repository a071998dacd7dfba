// SPDX-License-Identifier: Apache-2.0
// Why a connection to RabbitMQ has ended.
#pragma once

#include <string>

namespace roomcast::rabbitmq {

/// Why there is no connection, or none any more.
struct Failure {
    std::string text;
    int code = 0;  // of the server's, such as 403; 0: it has said nothing
    /// A person must act: wrong password, unknown virtual host, an exchange of another type.
    bool is_configuration = false;
};

}  // namespace roomcast::rabbitmq

// SPDX-License-Identifier: Apache-2.0
// Every bound of the server in one place. Defaults are those of docs/operations.md; settings change
// most of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace roomcast {

struct Limits {
    std::size_t message_bytes = 65'536;
    std::size_t body_bytes = 1'048'576;
    std::size_t meta_bytes = 8'192;
    std::size_t header_bytes = 16'384;
    std::size_t header_fields = 100;
    std::size_t request_line_bytes = 8'192;
    std::size_t user_bytes = 256;
    std::size_t event_bytes = 256;
    std::size_t fragments = 1'024;

    std::size_t connections = 0;         // 0: the file limit less 256
    std::size_t connections_per_ip = 0;  // 0: off
    std::size_t subscriptions = 1'000;
    std::size_t presence_channels = 128;
    std::size_t unanswered_commands = 256;
    std::uint32_t message_rate = 100;  // per connection and second; 0: off
    std::uint32_t message_burst = 2'000;
    std::uint32_t api_rate = 0;  // HTTP requests per client and second; 0: off
    std::uint32_t api_burst = 1'000;
    std::uint32_t presence_rate = 10;        // per connection and second; 0: off
    std::chrono::seconds rate_patience{10};  // over the rate for so long: closed

    std::size_t outbox_bytes = 1'048'576;
    std::chrono::seconds outbox_stall{10};
    std::size_t mailbox_entries = 65'536;
    std::size_t mailbox_bytes = 67'108'864;

    std::chrono::seconds ping{25};
    std::chrono::seconds pong{10};
    std::chrono::seconds handshake{10};
    std::chrono::seconds body{30};
    std::chrono::seconds keep_alive{75};
    std::chrono::seconds close_wait{5};
    std::chrono::milliseconds publish_timeout{2'000};

    std::chrono::milliseconds presence_leave_grace{1'000};
    std::chrono::milliseconds presence_lost_grace{5'000};

    std::size_t idempotency_keys = 100'000;
    std::chrono::minutes idempotency_ttl{5};
    std::size_t idempotency_key_bytes = 64;
    std::size_t batch_events = 1'000;
};

}  // namespace roomcast

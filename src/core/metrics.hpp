// SPDX-License-Identifier: Apache-2.0
// What one shard counts. Written by its thread alone, summed over shards when /metrics is read.
#pragma once

#include <array>

#include "model/errc.hpp"
#include "util/counter.hpp"

namespace roomcast {

struct ShardMetrics {
    // gateway
    Counter connections_opened;
    Counter connections_closed;
    Counter connections_refused;  // over a connection limit
    Counter handshakes_refused;   // 4xx before the upgrade
    Counter http_requests;
    Counter bytes_received;
    Counter bytes_sent;
    Counter slow_consumers;     // closed with 4008
    Counter outbox_bytes;       // a level: what waits in all outboxes now
    Counter protocol_errors;    // closed with 1002, 1007 or 1009
    Counter deflate_input;      // text of frames that were compressed
    Counter deflate_output;     // and what it became
    Counter send_calls;         // system calls that sent
    Counter loop_stall_us_max;  // the longest turn of the loop since the start
    DurationHistogram loop_turn;

    // core
    Counter sessions;                // a level
    Counter subscriptions;           // a level: (session, channel) pairs with a listen set
    Counter channels;                // a level: channels known to this home shard
    Counter presence_members;        // a level: (channel, user) pairs present through this node
    Counter messages_received;       // client messages, of any type
    Counter publications_received;   // broadcasts taken from WebSocket clients
    Counter publications_http;       // and from HTTP
    Counter publications_delivered;  // publications that reached this home shard from the broker
    Counter deliveries;              // frames of publications pushed to outlets
    Counter presence_deliveries;     // frames of presence events pushed to outlets
    Counter gaps;                    // gaps told to subscribers
    Counter gaps_untold;             // and those of base connections, which cannot be told
    Counter mailbox_refused;         // data entries that found a mailbox full
    Counter rate_limited;
    Counter idempotent_repeats;
    std::array<Counter, kErrcCount> errors;  // error messages sent, by Errc
    DurationHistogram publish_to_socket;     // from taking a publication to writing it to sockets
};

}  // namespace roomcast

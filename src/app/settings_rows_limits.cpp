// SPDX-License-Identifier: Apache-2.0
// The bounds of messages, connections and waits.
#include "app/settings_rows.hpp"

namespace roomcast::setting_rows {

void append_messages(std::vector<SettingRow>& rows) {
    constexpr auto kGroup = Group::messages;
    rows.push_back(
        limit(kGroup,
              {"MAX_MESSAGE_BYTES", "One client message, and one publication over HTTP."},
              {1'024, 16 * kMebi},
              &Limits::message_bytes));
    rows.push_back(limit(kGroup,
                         {"MAX_FRAGMENTS", "WebSocket fragments of one message."},
                         {1, kMebi},
                         &Limits::fragments));
    rows.push_back(
        limit(kGroup, {"MAX_USER_BYTES", "A user id."}, {16, 1'024}, &Limits::user_bytes));
    rows.push_back(
        limit(kGroup, {"MAX_EVENT_BYTES", "An event's name."}, {16, 4'096}, &Limits::event_bytes));
    rows.push_back(limit(kGroup,
                         {"MAX_BODY_BYTES", "The body of an HTTP request."},
                         {1'024, 64 * kMebi},
                         &Limits::body_bytes));
    rows.push_back(limit(kGroup,
                         {"MAX_BATCH_EVENTS", "Events in one `POST /api/events`."},
                         {1, 10'000},
                         &Limits::batch_events));
    rows.push_back(limit(kGroup,
                         {"MAX_HEADER_BYTES", "The head of an HTTP request."},
                         {1'024, kMebi},
                         &Limits::header_bytes));
    rows.push_back(limit(kGroup,
                         {"MAX_HEADER_FIELDS", "Header fields of an HTTP request."},
                         {10, 1'000},
                         &Limits::header_fields));
    rows.push_back(limit(kGroup,
                         {"MAX_REQUEST_LINE_BYTES", "The first line of an HTTP request."},
                         {256, 65'536},
                         &Limits::request_line_bytes));
    rows.push_back(limit(kGroup,
                         {"IDEMPOTENCY_KEYS", "Idempotency keys that a node remembers. 0: none."},
                         {0, 10'000'000},
                         &Limits::idempotency_keys));
    rows.push_back(limit(kGroup,
                         {"IDEMPOTENCY_MINUTES", "How long it remembers one."},
                         {1, 1'440},
                         &Limits::idempotency_ttl));
    rows.push_back(limit(kGroup,
                         {"MAX_IDEMPOTENCY_KEY_BYTES", "An idempotency key."},
                         {16, 1'024},
                         &Limits::idempotency_key_bytes));
}

void append_connections(std::vector<SettingRow>& rows) {
    constexpr auto kGroup = Group::connections;
    rows.push_back(limit(kGroup,
                         {"MAX_CONNECTIONS",
                          "Connections of this process, all listeners together.",
                          "the limit on open files, less 256"},
                         {1, 10'000'000},
                         &Limits::connections));
    rows.push_back(limit(kGroup,
                         {"MAX_CONNECTIONS_PER_IP", "Connections of one client address. 0: off."},
                         {0, 10'000'000},
                         &Limits::connections_per_ip));
    rows.push_back(limit(kGroup,
                         {"MAX_SUBSCRIPTIONS", "Channels that one connection listens to."},
                         {1, 1'000'000},
                         &Limits::subscriptions));
    rows.push_back(limit(kGroup,
                         {"MAX_UNANSWERED_COMMANDS",
                          "Commands of one connection that wait for their answer; beyond it the "
                          "connection is not read."},
                         {1, 65'536},
                         &Limits::unanswered_commands));
    rows.push_back(limit(kGroup,
                         {"MESSAGE_RATE", "Messages per connection and second. 0: off."},
                         {0, 1'000'000},
                         &Limits::message_rate));
    rows.push_back(limit(kGroup,
                         {"MESSAGE_BURST", "Messages that may come at once."},
                         {1, 10'000'000},
                         &Limits::message_burst));
    rows.push_back(limit(kGroup,
                         {"API_RATE",
                          "Requests to the HTTP API per client and second; the next are answered "
                          "with 429. A client is an API key, a token's user, or else an address. "
                          "0: off."},
                         {0, 1'000'000},
                         &Limits::api_rate));
    rows.push_back(limit(kGroup,
                         {"API_BURST", "Such requests that may come at once."},
                         {1, 4'000'000},
                         &Limits::api_burst));
    rows.push_back(limit(
        kGroup,
        {"RATE_PATIENCE_SECONDS", "A connection that stays over its rate for so long is closed."},
        {1, 3'600},
        &Limits::rate_patience));
    rows.push_back(limit(kGroup,
                         {"OUTBOX_BYTES",
                          "What may wait for one slow client, at least four messages; beyond it "
                          "the connection is closed with 4008."},
                         {16'384, 1'024 * kMebi},
                         &Limits::outbox_bytes));
    rows.push_back(limit(
        kGroup,
        {"OUTBOX_STALL_SECONDS", "A client that takes nothing for so long is closed with 4008."},
        {1, 3'600},
        &Limits::outbox_stall));
    rows.push_back(limit(kGroup,
                         {"MAILBOX_ENTRIES", "Messages that may wait between two threads."},
                         {1'024, 16 * kMebi},
                         &Limits::mailbox_entries));
    rows.push_back(limit(kGroup,
                         {"MAILBOX_BYTES", "Their bytes, at least four messages."},
                         {kMebi, 16'384 * kMebi},
                         &Limits::mailbox_bytes));
    rows.push_back(
        choice<bool>(kGroup,
                     {"WS_COMPRESSION",
                      "Compresses messages of clients that ask for it (permessage-deflate). Read "
                      "[operations](operations.md#compression) first."},
                     {{"off", false}, {"on", true}},
                     &Settings::is_deflate_on));
}

void append_deadlines(std::vector<SettingRow>& rows) {
    constexpr auto kGroup = Group::deadlines;
    rows.push_back(limit(kGroup,
                         {"PING_SECONDS", "A silent connection is pinged after so long."},
                         {1, 3'600},
                         &Limits::ping));
    rows.push_back(limit(kGroup,
                         {"PONG_SECONDS", "It is dead when nothing comes for so long then."},
                         {1, 3'600},
                         &Limits::pong));
    rows.push_back(
        limit(kGroup,
              {"HANDSHAKE_SECONDS", "From the connection to a whole request head, TLS included."},
              {1, 600},
              &Limits::handshake));
    rows.push_back(limit(kGroup,
                         {"BODY_SECONDS", "From the head to the end of the body."},
                         {1, 3'600},
                         &Limits::body));
    rows.push_back(limit(kGroup,
                         {"KEEP_ALIVE_SECONDS", "An idle HTTP connection is closed after so long."},
                         {1, 3'600},
                         &Limits::keep_alive));
    rows.push_back(
        limit(kGroup,
              {"CLOSE_WAIT_SECONDS", "How long a peer may take to answer a close frame."},
              {1, 60},
              &Limits::close_wait));
    rows.push_back(limit(
        kGroup,
        {"PUBLISH_TIMEOUT_MS", "A publication that the broker has not taken by then is refused."},
        {100, 60'000},
        &Limits::publish_timeout));
}

}  // namespace roomcast::setting_rows

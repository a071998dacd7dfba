// SPDX-License-Identifier: Apache-2.0
// A publication as gateways send it to each other (docs/protocol.md, section 7): one JSON object,
// the same on every broker, that gateways of the base system read and write too.
#pragma once

#include <string>
#include <string_view>

#include "brokers/broker.hpp"
#include "util/result.hpp"

namespace roomcast {

/// `{"type":"broadcast","channel_id":"room1","user_id":"alice","event":"e","payload":{},
/// "meta":{…},"ts":1620000000000}` with our own fields behind: `id` (of the message), `node`,
/// `connection_id`, `self` where it is false, and `taken_us`, which means something to its node
/// alone. The idempotency key does not travel.
[[nodiscard]] std::string encode_bus_message(const BusMessage& message);

/// Reads what any gateway has written: `user_id`, `event` and `payload` may be absent, unknown
/// fields are passed by. `padded_text` has json::kJsonPadding readable bytes behind its end. What
/// arrives is as untrusted as the broker's other clients: the payload is checked JSON in one line,
/// the texts are valid UTF-8. Error: a sentence for the log.
[[nodiscard]] Outcome<BusMessage, std::string> decode_bus_message(const ChannelName& channel,
                                                                  std::string_view padded_text);

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Who may open a WebSocket: the verdict on a GET /ws (docs/protocol.md, section 1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>

#include "auth/origin.hpp"
#include "http/message.hpp"
#include "model/identity.hpp"

namespace roomcast::http {

/// What the verdict depends on, from the settings.
struct UpgradePolicy {
    /// Set in JWT mode; without it the query's `user_id` names the user.
    TokenVerifier* verifier = nullptr;
    /// Origins whose pages may connect.
    OriginList allowed_origins;
    /// Origins whose pages may read a refusal.
    OriginList cors_origins;
    /// The cookie that may carry the token; empty: none. Of no effect while every origin may
    /// connect: browsers send cookies along with other sites' requests.
    std::string token_cookie;
    std::size_t user_bytes = 256;
    /// Whether permessage-deflate is accepted (WS_COMPRESSION).
    bool is_deflate_on = false;
};

struct UpgradeAccepted {
    Identity identity;
    /// The client asked for the subprotocol `roomcast.v1`.
    bool is_versioned = false;
    /// The window for compressed messages has 2^deflate_window_bits bytes; 0: none are sent.
    std::uint8_t deflate_window_bits = 0;
    std::string response;  // the whole 101 answer
};

using UpgradeVerdict = std::variant<UpgradeAccepted, Response>;

/// Judges `request`; `done` is called exactly once on this thread, maybe from within the call.
/// `request` need not outlive the call. A request that is no valid upgrade gets its refusal, or 426
/// where an upgrade would be accepted; OPTIONS gets 204.
void judge_upgrade(const Request& request,
                   const UpgradePolicy& policy,
                   std::function<void(UpgradeVerdict)> done);

}  // namespace roomcast::http

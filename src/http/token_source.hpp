// SPDX-License-Identifier: Apache-2.0
// Where a request may carry its token (docs/protocol.md, section 1).
#pragma once

#include <string>
#include <string_view>

#include "http/message.hpp"
#include "http/uri.hpp"

namespace roomcast::http {

/// T of `Authorization: Bearer T` (the scheme in any case), else empty.
[[nodiscard]] std::string_view bearer_token(const Request& request);

/// The token of a WebSocket request from the first source that has one: the header Authorization,
/// the query's `token`, its `access_token`, the subprotocol `roomcast.bearer.T`, the cookie named
/// `cookie` (unless that is empty). Empty when there is none.
[[nodiscard]] std::string find_token(const Request& request,
                                     const Query& query,
                                     std::string_view cookie);

}  // namespace roomcast::http

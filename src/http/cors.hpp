// SPDX-License-Identifier: Apache-2.0
// What a browser must be told so that pages of other origins may read our answers (CORS).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "auth/origin.hpp"
#include "http/message.hpp"

namespace roomcast::http {

/// What the answer to a request says about other origins, worked out before the request is gone.
class CorsHeaders {
public:
    /// `methods` is what Access-Control-Allow-Methods lists.
    CorsHeaders(const Request& request,
                const OriginList& origins,
                std::string_view methods = "GET, POST, OPTIONS");

    void add_to(Response& response) const;

private:
    std::vector<Header> headers_;
};

/// The one Origin header of a request; nothing when there is none. Two of them are no origin: the
/// result is then one that no list but `*` allows.
[[nodiscard]] std::optional<std::string_view> origin_of(const Request& request);

}  // namespace roomcast::http

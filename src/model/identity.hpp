// SPDX-License-Identifier: Apache-2.0
// Who a client is, as established before its upgrade or by a `refresh`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "model/rights.hpp"
#include "util/result.hpp"

namespace roomcast {

struct Identity {
    std::string user_id;
    Rights rights = Rights::all();
    /// Unix seconds at which the token ends; none for a token without `exp` and in development.
    std::optional<std::int64_t> expires_at = std::nullopt;
    /// Unix seconds of `iat`, else when the token was first seen.
    std::int64_t issued_at = 0;
    /// The claim `role`: `service` may use the HTTP API, `admin` the operator routes. Often empty.
    std::string role = {};
};

/// An identity, or a sentence for people that says why the token is refused (never the token).
using VerifyResult = Outcome<Identity, std::string>;
using VerifyCallback = std::function<void(VerifyResult)>;

/// Turns a token into an identity. Implemented by `auth`, or by `app` around it.
class TokenVerifier {
public:
    virtual ~TokenVerifier() = default;
    /// `done` is called exactly once on the calling thread: before verify() returns where the key
    /// is at hand, later where a key set must be fetched first.
    virtual void verify(std::string token, VerifyCallback done) = 0;
};

}  // namespace roomcast

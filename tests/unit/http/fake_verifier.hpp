// SPDX-License-Identifier: Apache-2.0
// A verifier that knows a few tokens by heart: "alice", "service" and "admin" are good ones,
// and "custom" is whom the test says.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "model/identity.hpp"

namespace roomcast {

class FakeVerifier final : public TokenVerifier {
public:
    void verify(std::string token, VerifyCallback done) override {
        seen = token;
        if (is_slow) {
            held = [this, token = std::move(token), done = std::move(done)] {
                done(verdict(token));
            };
            return;
        }
        done(verdict(token));
    }

    std::string seen;
    /// True: verify() answers when the test calls `held`.
    bool is_slow = false;
    std::function<void()> held;
    /// Who the token "custom" names.
    Identity custom;

private:
    [[nodiscard]] VerifyResult verdict(const std::string& token) const {
        Identity identity;
        identity.user_id = token;
        if (token == "alice") return identity;
        if (token == "custom") return custom;
        if (token == "service" || token == "admin") {
            identity.role = token;
            return identity;
        }
        return {boost::system::in_place_error, "the signature does not match"};
    }
};

}  // namespace roomcast

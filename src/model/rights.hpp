// SPDX-License-Identifier: Apache-2.0
// What a user may do on which channels (docs/protocol.md, section 2.2: claim `channels`).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace roomcast {

enum class Right : std::uint8_t { subscribe = 1, publish = 2, presence = 4 };

/// The rights of one user: all, or those that matching patterns grant together.
class Rights {
public:
    /// All rights on every channel: a token without the claim, or development mode.
    [[nodiscard]] static Rights all() { return Rights(true); }

    /// No rights until grant() adds some.
    [[nodiscard]] static Rights none() { return Rights(false); }

    /// `pattern` is a channel name, or a prefix followed by `*`. `rights` is a set of Right bits.
    void grant(std::string pattern, std::uint8_t rights) {
        grants_.push_back({std::move(pattern), rights});
    }

    [[nodiscard]] bool allow(Right right, std::string_view channel) const;

private:
    struct Grant {
        std::string pattern;
        std::uint8_t rights;
    };

    explicit Rights(bool is_all) : is_all_(is_all) {}

    bool is_all_;
    std::vector<Grant> grants_;
};

}  // namespace roomcast

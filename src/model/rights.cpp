// SPDX-License-Identifier: Apache-2.0
#include "model/rights.hpp"

namespace roomcast {

namespace {

bool matches(std::string_view pattern, std::string_view channel) {
    if (pattern.ends_with('*')) return channel.starts_with(pattern.substr(0, pattern.size() - 1));
    return pattern == channel;
}

}  // namespace

bool Rights::allow(Right right, std::string_view channel) const {
    if (is_all_) return true;
    for (const Grant& grant : grants_) {
        if ((grant.rights & static_cast<std::uint8_t>(right)) && matches(grant.pattern, channel)) {
            return true;
        }
    }
    return false;
}

}  // namespace roomcast

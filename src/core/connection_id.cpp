// SPDX-License-Identifier: Apache-2.0
#include "core/connection_id.hpp"

#include <cstdint>

#include "util/hex.hpp"

namespace roomcast {

namespace {

constexpr std::size_t kDigits = 16;

}  // namespace

std::string to_text(ConnectionId id) {
    return to_hex(static_cast<std::uint64_t>(id.node)) + '-' +
           to_hex(static_cast<std::uint64_t>(id.session));
}

std::optional<ConnectionId> parse_connection_id(std::string_view text) {
    if (text.size() != 2 * kDigits + 1 || text[kDigits] != '-') return std::nullopt;
    const auto node = parse_hex(text.substr(0, kDigits));
    const auto session = parse_hex(text.substr(kDigits + 1));
    if (!node || !session) return std::nullopt;
    return ConnectionId{NodeId{*node}, SessionId{*session}};
}

}  // namespace roomcast

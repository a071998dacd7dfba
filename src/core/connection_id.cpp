// SPDX-License-Identifier: Apache-2.0
#include "core/connection_id.hpp"

#include <charconv>
#include <cstdint>

#include "util/random.hpp"

namespace roomcast {

namespace {

constexpr std::size_t kDigits = 16;

std::optional<std::uint64_t> parse_hex(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

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

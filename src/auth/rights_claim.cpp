// SPDX-License-Identifier: Apache-2.0
#include "auth/rights_claim.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "model/channel_name.hpp"

namespace roomcast {

namespace {

std::optional<Right> find_right(std::string_view word) {
    if (word == "subscribe") return Right::subscribe;
    if (word == "publish") return Right::publish;
    if (word == "presence") return Right::presence;
    return std::nullopt;
}

bool is_pattern(std::string_view text) {
    if (text.empty()) return false;
    const std::string_view name = text.ends_with('*') ? text.substr(0, text.size() - 1) : text;
    return name.size() <= ChannelName::kMaxBytes && name.find('*') == std::string_view::npos;
}

/// A set of Right bits.
std::optional<std::uint8_t> read_words(const json::Value& words) {
    if (!words.is(json::Kind::array)) return std::nullopt;
    std::uint8_t rights = 0;
    for (const json::Value& word : words.elements()) {
        const std::optional<std::string> text = word.to_string();
        const std::optional<Right> right = text ? find_right(*text) : std::nullopt;
        if (!right) return std::nullopt;
        rights = static_cast<std::uint8_t>(rights | static_cast<std::uint8_t>(*right));
    }
    return rights;
}

}  // namespace

std::optional<Rights> read_rights_claim(const json::Value& claim) {
    if (claim.is_absent()) return Rights::all();
    if (!claim.is(json::Kind::object)) return std::nullopt;
    std::map<std::string, std::uint8_t> grants;
    for (const json::Member& member : claim.members()) {
        std::optional<std::string> pattern = member.name.to_string();
        const std::optional<std::uint8_t> words = read_words(member.value);
        if (!pattern || !is_pattern(*pattern) || !words) return std::nullopt;
        grants[std::move(*pattern)] = *words;
    }
    Rights rights = Rights::none();
    for (const auto& [pattern, words] : grants)
        rights.grant(pattern, words);
    return rights;
}

}  // namespace roomcast

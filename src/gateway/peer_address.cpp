// SPDX-License-Identifier: Apache-2.0
#include "gateway/peer_address.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include <arpa/inet.h>

namespace roomcast {

namespace {

using Bytes = std::array<unsigned char, 16>;

/// IPv4 addresses become IPv4-mapped ones (RFC 4291 section 2.5.5.2), so that one compare fits all.
std::optional<Bytes> parse_address(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (text.empty() || text.size() >= buffer.size()) return std::nullopt;
    std::memcpy(buffer.data(), text.data(), text.size());
    Bytes bytes{};
    if (::inet_pton(AF_INET6, buffer.data(), bytes.data()) == 1) return bytes;
    bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (::inet_pton(AF_INET, buffer.data(), bytes.data() + 12) == 1) return bytes;
    return std::nullopt;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

bool has_prefix(const unsigned char* address, const unsigned char* range, unsigned bits) {
    const unsigned whole = bits / 8;
    if (std::memcmp(address, range, whole) != 0) return false;
    const unsigned rest = bits % 8;
    return rest == 0 || (address[whole] >> (8 - rest)) == (range[whole] >> (8 - rest));
}

}  // namespace

Outcome<TrustedProxies, std::string> TrustedProxies::parse(const std::vector<std::string>& ranges) {
    TrustedProxies proxies;
    for (const std::string& text : ranges) {
        const std::size_t slash = text.find('/');
        const auto address = parse_address(std::string_view(text).substr(0, slash));
        if (!address) return '"' + text + "\" is no IP address or CIDR range";
        const bool is_v4 = text.find(':') == std::string::npos;
        const unsigned most = is_v4 ? 32 : 128;
        unsigned bits = most;
        if (slash != std::string::npos) {
            const char* const first = text.data() + slash + 1;
            const char* const last = text.data() + text.size();
            const auto [end, error] = std::from_chars(first, last, bits);
            if (error != std::errc() || end != last || bits > most) {
                return '"' + text + "\": the prefix length is 0 to " + std::to_string(most);
            }
        }
        Range range{};
        std::memcpy(range.bytes, address->data(), address->size());
        range.prefix_bits = is_v4 ? bits + 96 : bits;
        proxies.ranges_.push_back(range);
    }
    return proxies;
}

bool TrustedProxies::contains(std::string_view text) const {
    if (ranges_.empty()) return false;
    const auto address = parse_address(text);
    if (!address) return false;
    for (const Range& range : ranges_) {
        if (has_prefix(address->data(), range.bytes, range.prefix_bits)) return true;
    }
    return false;
}

std::string TrustedProxies::client_address(const std::string& peer,
                                           std::string_view forwarded_for) const {
    std::string client = peer;
    // Each proxy adds its peer at the end: read backwards for as long as the speaker is trusted.
    while (contains(client) && !forwarded_for.empty()) {
        const std::size_t comma = forwarded_for.rfind(',');
        const std::string_view last =
            trim(comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1));
        if (!parse_address(last)) break;
        client = last;
        forwarded_for = comma == std::string_view::npos ? "" : forwarded_for.substr(0, comma);
    }
    return client;
}

bool PeerCounter::try_add(const std::string& address, std::size_t limit) {
    if (limit == 0) return true;
    const std::lock_guard lock(mutex_);
    std::size_t& count = counts_[address];
    if (count >= limit) return false;
    ++count;
    return true;
}

void PeerCounter::remove(const std::string& address) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(address);
    if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

}  // namespace roomcast

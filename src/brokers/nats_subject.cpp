// SPDX-License-Identifier: Apache-2.0
#include "brokers/nats_subject.hpp"

#include <algorithm>
#include <cstdint>

namespace roomcast {

namespace {

bool is_plain(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

}  // namespace

bool NatsSubjects::is_prefix(std::string_view text) {
    if (text.empty() || text.size() > kMaxPrefixBytes) return false;
    if (text.starts_with('.') || text.ends_with('.')) return false;
    if (text.find("..") != std::string_view::npos) return false;
    return std::ranges::all_of(text, [](char byte) { return byte == '.' || is_plain(byte); });
}

std::string NatsSubjects::of(const ChannelName& channel) const {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string subject;
    subject.reserve(prefix_.size() + 1 + channel.text().size());
    subject.append(prefix_).push_back('.');
    for (const char letter : channel.text()) {
        if (is_plain(letter)) {
            subject += letter;
            continue;
        }
        const auto byte = static_cast<std::uint8_t>(letter);
        subject += '%';
        subject += kDigits[byte >> 4U];
        subject += kDigits[byte & 0xfU];
    }
    return subject;
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
#include "load/stamp.hpp"

#include <array>

namespace roomcast::bench {

namespace {

constexpr std::string_view kMark = "@rc";
constexpr char kPadding = 'x';
constexpr std::string_view kDigits = "0123456789abcdef";

constexpr std::array<std::uint8_t, 256> make_digit_values() {
    std::array<std::uint8_t, 256> values{};
    values.fill(0xff);
    for (std::size_t i = 0; i < kDigits.size(); ++i) {
        values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}

constexpr auto kDigitValues = make_digit_values();

void append_hex(std::string& out, std::uint64_t value, unsigned digits) {
    while (digits-- > 0)
        out += kDigits[(value >> (4 * digits)) & 0xf];
}

/// Reads `digits` digits and moves `in` behind them; `bad` collects what is no digit.
std::uint64_t read_hex(const char*& in, unsigned digits, unsigned& bad) {
    std::uint64_t value = 0;
    while (digits-- > 0) {
        const std::uint8_t digit = kDigitValues[static_cast<unsigned char>(*in++)];
        bad |= digit & 0xf0u;
        value = value << 4 | (digit & 0xfu);
    }
    return value;
}

}  // namespace

std::string make_payload(const Stamp& stamp, std::size_t payload_bytes) {
    std::string payload(kMark);
    payload.reserve(payload_bytes);
    append_hex(payload, stamp.stream, 6);
    append_hex(payload, stamp.sequence, 8);
    append_hex(payload, static_cast<std::uint64_t>(stamp.sent), 12);
    payload.resize(payload_bytes, kPadding);
    return payload;
}

std::optional<Stamp> StampReader::find(std::string_view message) {
    if (message.size() < payload_bytes_) return std::nullopt;
    if (message.compare(usual_place_ < message.size() ? usual_place_ : 0, kMark.size(), kMark) !=
        0) {
        const std::size_t place = message.find(kMark);
        if (place == std::string_view::npos) return std::nullopt;
        usual_place_ = place;
    }
    const std::string_view payload = message.substr(usual_place_);
    if (payload.size() < payload_bytes_ || payload[payload_bytes_ - 1] != kPadding) {
        return std::nullopt;
    }
    const char* in = payload.data() + kMark.size();
    unsigned bad = 0;
    Stamp stamp;
    stamp.stream = static_cast<std::uint32_t>(read_hex(in, 6, bad));
    stamp.sequence = static_cast<std::uint32_t>(read_hex(in, 8, bad));
    stamp.sent = static_cast<Nanoseconds>(read_hex(in, 12, bad));
    if (bad != 0) return std::nullopt;
    return stamp;
}

}  // namespace roomcast::bench

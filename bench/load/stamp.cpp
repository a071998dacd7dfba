// SPDX-License-Identifier: Apache-2.0
#include "load/stamp.hpp"

#include <array>
#include <map>

namespace roomcast::bench {

namespace {

constexpr std::string_view kMark = "@rc";
constexpr char kPadding = 'x';  // the last byte
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

/// Padding as JSON is: names that come again and figures that do not, the same each time; it
/// deflates to two fifths.
std::string make_padding(std::size_t size) {
    std::string text;
    for (std::uint32_t state = 0x9e3779b9; text.size() < size;) {
        state = state * 1664525 + 1013904223;
        const std::string figure = std::to_string(state);
        text += "{'id':" + figure.substr(0, 6) + ",'user':'u-" + figure.substr(6) +
                "','paid':" + (state >> 31 != 0 ? "true" : "false") + "},";
    }
    text.resize(size);
    if (size > 0) text.back() = kPadding;
    return text;
}

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
    static std::map<std::size_t, std::string> paddings;
    std::string& padding = paddings[payload_bytes];
    if (padding.empty()) padding = make_padding(payload_bytes - payload.size());
    return payload += padding;
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

// SPDX-License-Identifier: Apache-2.0
// Query strings and path parts: what is decoded is UTF-8 and no longer than what came, and decodes
// back from an encoding of our own.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "codec/utf8.hpp"
#include "fuzz/require.hpp"
#include "http/uri.hpp"

namespace {

std::string encode(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += kDigits[byte >> 4U];
        encoded += kDigits[byte & 0xfU];
    }
    return encoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto part = roomcast::http::decode_path_part(text)) {
        REQUIRE(roomcast::is_valid_utf8(*part));
        REQUIRE(part->size() <= text.size());
        REQUIRE(roomcast::http::decode_path_part(encode(*part)) == part);
        const auto query = roomcast::http::Query::parse("name=" + encode(*part));
        REQUIRE(query && query->find("name") && *query->find("name") == *part);
    }
    if (const auto query = roomcast::http::Query::parse(text)) {
        for (const std::string_view name : {"user_id", "token", "limit", ""}) {
            if (const std::string* value = query->find(name)) {
                REQUIRE(roomcast::is_valid_utf8(*value));
                REQUIRE(value->size() <= text.size());
            }
        }
    }
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
// The name of a script.
#include <array>
#include <utility>

#include <openssl/evp.h>

#include "redis/client.hpp"
#include "util/assert.hpp"

namespace roomcast::redis {

namespace {

std::string sha1_of(std::string_view text) {
    std::array<unsigned char, 20> digest{};
    const bool is_done =
        EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) == 1;
    ASSERT(is_done);
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    for (const unsigned char byte : digest) {
        hex += kDigits[byte >> 4];
        hex += kDigits[byte & 0xf];
    }
    return hex;
}

}  // namespace

Script::Script(std::string script) : text(std::move(script)), sha1(sha1_of(text)) {}

}  // namespace roomcast::redis

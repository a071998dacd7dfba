// SPDX-License-Identifier: Apache-2.0
// The two values of the opening handshake (RFC 6455 section 4).
#include <algorithm>

#include <openssl/evp.h>

#include "codec/websocket.hpp"
#include "util/assert.hpp"

namespace roomcast::websocket {

namespace {

constexpr std::size_t kSha1Bytes = 20;
constexpr std::size_t kSha1Base64Bytes = 28;
constexpr std::string_view kAcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

bool is_base64(char character) {
    return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z') ||
           (character >= '0' && character <= '9') || character == '+' || character == '/';
}

}  // namespace

bool is_valid_client_key(std::string_view key) {
    constexpr std::size_t kDigits = 22;  // 16 bytes, then two of padding
    return key.size() == kDigits + 2 && key.ends_with("==") &&
           std::all_of(key.begin(), key.begin() + kDigits, is_base64);
}

std::string accept_key(std::string_view client_key) {
    std::string text(client_key);
    text += kAcceptGuid;
    std::array<unsigned char, kSha1Bytes> digest;
    const int is_done =
        EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
    ASSERT(is_done == 1);
    std::array<unsigned char, kSha1Base64Bytes + 1> base64;  // OpenSSL ends it with a NUL
    EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
    return std::string(base64.begin(), base64.end() - 1);
}

}  // namespace roomcast::websocket

// SPDX-License-Identifier: Apache-2.0
// The web pages built into the binary: the files of web/, by the path a browser asks for. The bytes
// are written by cmake/embed.cmake at build time.
#pragma once

#include <span>
#include <string_view>

namespace roomcast {

/// One embedded file. All views are of static storage.
struct WebAsset {
    std::string_view path;          ///< as in the request line, without query: "/", "/favicon.svg"
    std::string_view content_type;  ///< the whole header value
    std::string_view etag;          ///< quoted, strong: changes when the bytes do
    std::string_view bytes;
};

/// What an answer with a WebAsset says in Content-Security-Policy. A page may load from its own
/// server only, but talks to any: the playground's server address is the user's to choose.
inline constexpr std::string_view kWebAssetSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self' ws: wss: http: https:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Answers with a WebAsset also carry `X-Content-Type-Options: nosniff`,
/// `Referrer-Policy: no-referrer` and this: a new binary's page is seen on the next load.
inline constexpr std::string_view kWebAssetCacheControl = "no-cache";

/// Every embedded file, in the order of src/http/CMakeLists.txt.
[[nodiscard]] std::span<const WebAsset> web_assets();

/// The file for `path` (exact, case included), or null.
[[nodiscard]] inline const WebAsset* find_web_asset(std::string_view path) {
    for (const WebAsset& asset : web_assets()) {
        if (asset.path == path) return &asset;
    }
    return nullptr;
}

}  // namespace roomcast

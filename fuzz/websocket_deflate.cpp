// SPDX-License-Identifier: Apache-2.0
// The same with compressed messages; then the input as a compressed message of its own, and as a
// text that is compressed and read back.
#include "codec/websocket_deflate.hpp"

#include "fuzz/websocket_feeder.hpp"

namespace {

using namespace roomcast;

constexpr std::size_t kMessageBytes = 300;

websocket::Inflater inflater;
const websocket::ReaderLimits kLimits{
    .message_bytes = kMessageBytes, .fragments = 6, .inflater = &inflater};

class Feeder : public fuzz::WebSocketFeeder {
public:
    Feeder() : WebSocketFeeder(kLimits) {}
};

void inflate(std::string_view payload) {
    const auto text = inflater.inflate(payload, kMessageBytes);
    if (!text) return;
    REQUIRE(text->size() <= kMessageBytes);
    // What fits into the limit is the same without one so near.
    const std::string kept(*text);
    const auto again = inflater.inflate(payload, 1'000'000);
    REQUIRE(again && *again == kept);
}

void deflate_and_inflate(std::string_view text) {
    static websocket::Deflater deflater;
    const auto payload = deflater.deflate(text);
    if (!payload) return;
    REQUIRE(payload->size() < text.size());
    const auto again = inflater.inflate(*payload, text.size());
    REQUIRE(again && *again == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::compare_pieces<Feeder>(data, size);
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    inflate(bytes);
    deflate_and_inflate(bytes);
    return 0;
}

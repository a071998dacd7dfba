// SPDX-License-Identifier: Apache-2.0
// A client's bytes in one piece and in many: the events must be the same. The first four bytes of
// the input are the sizes of the pieces, in turn.
#include "fuzz/websocket_feeder.hpp"

namespace {

using namespace roomcast;

constexpr websocket::ReaderLimits kLimits{.message_bytes = 300, .fragments = 6};

class Feeder : public fuzz::WebSocketFeeder {
public:
    Feeder() : WebSocketFeeder(kLimits) {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::compare_pieces<Feeder>(data, size);
    return 0;
}

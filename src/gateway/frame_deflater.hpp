// SPDX-License-Identifier: Apache-2.0
// Compresses what goes out (RFC 7692): a frame once for all connections of a thread that get it.
#pragma once

#include <cstdint>

#include "codec/websocket_deflate.hpp"
#include "core/metrics.hpp"
#include "model/frame.hpp"

namespace roomcast {

/// One per thread.
class FrameDeflater {
public:
    explicit FrameDeflater(ShardMetrics& metrics) : metrics_(metrics) {}

    /// What a client with a window of 2^window_bits bytes is sent for `frame`, which holds a text
    /// message: its compressed form, or the frame itself where that would gain little.
    [[nodiscard]] const LocalFramePtr& choose(const LocalFramePtr& frame, std::uint8_t window_bits);

private:
    [[nodiscard]] LocalFramePtr deflate(const LocalFrame& frame);

    websocket::Deflater deflater_;
    ShardMetrics& metrics_;
};

}  // namespace roomcast

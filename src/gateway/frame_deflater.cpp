// SPDX-License-Identifier: Apache-2.0
#include "gateway/frame_deflater.hpp"

#include <cstddef>
#include <string_view>

#include "codec/websocket.hpp"

namespace roomcast {

namespace {

/// Shorter texts lose less than a third, which is not worth the time.
constexpr std::size_t kShortestBytes = 256;
/// Longer ones would hold the thread's other connections up.
constexpr std::size_t kLongestBytes = 262'144;
/// Of what deflate can refer back to at all.
constexpr std::uint8_t kLargestWindowBits = 15;

}  // namespace

const LocalFramePtr& FrameDeflater::choose(const LocalFramePtr& frame, std::uint8_t window_bits) {
    const std::size_t size = frame->text().size();
    if (size < kShortestBytes || size > kLongestBytes) return frame;
    // A text that fits into a window refers to nothing beyond it, so that one form serves all.
    if (window_bits < kLargestWindowBits && size > std::size_t{1} << window_bits) return frame;
    if (!frame->is_deflate_tried()) frame->keep_deflated(deflate(*frame));
    return frame->deflated() ? frame->deflated() : frame;
}

LocalFramePtr FrameDeflater::deflate(const LocalFrame& frame) {
    const std::string_view text = frame.text();
    const auto payload = deflater_.deflate(text);
    if (!payload) return {};
    metrics_.deflate_input.add(text.size());
    metrics_.deflate_output.add(payload->size());
    const auto header = websocket::encode_header(
        websocket::Opcode::text, payload->size(), websocket::Form::deflated);
    return make_local(FramePtr(Frame::make(header.bytes(), *payload)));
}

}  // namespace roomcast

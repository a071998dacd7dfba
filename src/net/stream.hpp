// SPDX-License-Identifier: Apache-2.0
// The streams of EventLoop: TCP, with TLS or without.
#pragma once

#include <memory>

#include "net/loop.hpp"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace roomcast::net {

/// Starts to connect. `loop` runs on the thread of `context`, and `sink` outlives the stream. No
/// call of the sink comes from within this function.
[[nodiscard]] std::unique_ptr<Stream> make_stream(boost::asio::io_context& context,
                                                  Loop& loop,
                                                  StreamOptions options,
                                                  StreamSink& sink);

}  // namespace roomcast::net

// SPDX-License-Identifier: Apache-2.0
#include "load/inflater.hpp"

#include <zlib.h>

#include "common/socket.hpp"

namespace roomcast::bench {

struct Inflater::Stream {
    z_stream zlib = {};
};

Inflater::Inflater() : stream_(std::make_unique<Stream>()), out_(1u << 20, '\0') {
    if (inflateInit2(&stream_->zlib, -15) != Z_OK) give_up("zlib does not start");
}

Inflater::~Inflater() {
    inflateEnd(&stream_->zlib);
}

std::optional<std::string_view> Inflater::inflate(std::string_view payload) {
    constexpr std::string_view kTail("\x00\x00\xff\xff", 4);
    in_.assign(payload).append(kTail);
    z_stream& zlib = stream_->zlib;
    inflateReset(&zlib);
    zlib.next_in = reinterpret_cast<Bytef*>(in_.data());
    zlib.avail_in = static_cast<uInt>(in_.size());
    zlib.next_out = reinterpret_cast<Bytef*>(out_.data());
    zlib.avail_out = static_cast<uInt>(out_.size());
    const int status = ::inflate(&zlib, Z_SYNC_FLUSH);
    if (status != Z_OK || zlib.avail_in != 0 || zlib.avail_out == 0) return std::nullopt;
    return std::string_view(out_).substr(0, out_.size() - zlib.avail_out);
}

}  // namespace roomcast::bench

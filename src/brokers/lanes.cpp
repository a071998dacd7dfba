// SPDX-License-Identifier: Apache-2.0
#include "brokers/lanes.hpp"

#include <boost/crc.hpp>

namespace roomcast {

std::size_t lane_of(std::string_view channel) {
    boost::crc_32_type crc;
    crc.process_bytes(channel.data(), channel.size());
    return crc.checksum() % kLanes;
}

}  // namespace roomcast

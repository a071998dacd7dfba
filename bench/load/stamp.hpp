// SPDX-License-Identifier: Apache-2.0
// The mark in every payload that says which publication it is and when it was sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/socket.hpp"

namespace roomcast::bench {

struct Stamp {
    std::uint32_t stream = 0;    ///< one publisher on one channel; below 2^24
    std::uint32_t sequence = 0;  ///< 0, 1, 2, … within the stream
    Nanoseconds sent = 0;        ///< since the generator started; below 2^48

    friend bool operator==(const Stamp&, const Stamp&) = default;
};

/// "@rc", then stream, sequence and time in hexadecimal: characters that JSON leaves alone.
inline constexpr std::size_t kStampBytes = 3 + 6 + 8 + 12;

/// The stamp, filled up with padding to `payload_bytes`, which is at least kStampBytes + 1.
[[nodiscard]] std::string make_payload(const Stamp& stamp, std::size_t payload_bytes);

/// Finds stamps in messages. Messages of one server have it mostly at the same place, so that place
/// is tried before the text is searched.
class StampReader {
public:
    /// `payload_bytes` as given to make_payload. Nothing when there is no stamp, or one whose
    /// padding did not come through whole.
    explicit StampReader(std::size_t payload_bytes) : payload_bytes_(payload_bytes) {}

    [[nodiscard]] std::optional<Stamp> find(std::string_view message);

private:
    std::size_t payload_bytes_;
    std::size_t usual_place_ = 0;
};

}  // namespace roomcast::bench

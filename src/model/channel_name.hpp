// SPDX-License-Identifier: Apache-2.0
// The name of a channel: checked once, then shared by everything that refers to the channel.
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/errc.hpp"

namespace roomcast {

/// An immutable channel name of 1 to 256 bytes without control characters, held as one pointer to
/// a shared, reference-counted text with its hash beside it. Copies are cheap and safe to hand to
/// another thread. A default-constructed name is empty and names no channel.
class ChannelName {
public:
    static constexpr std::size_t kMaxBytes = 256;

    ChannelName() = default;
    /// Checks length and control characters (C0, DEL and C1). `text` must be valid UTF-8: whoever
    /// reads it from the wire has checked that. Error: bad_channel.
    [[nodiscard]] static Result<ChannelName> make(std::string_view text);

    ChannelName(const ChannelName& other);
    ChannelName(ChannelName&& other) noexcept;
    ChannelName& operator=(ChannelName other) noexcept;
    ~ChannelName();

    [[nodiscard]] std::string_view text() const;
    /// seeded_hash() of the text: the same in all threads of this process.
    [[nodiscard]] std::uint64_t hash() const;

    [[nodiscard]] bool is_empty() const { return shared_ == nullptr; }

    friend bool operator==(const ChannelName& a, const ChannelName& b) {
        return a.shared_ == b.shared_ || (a.hash() == b.hash() && a.text() == b.text());
    }

private:
    struct Shared;  // { references, size, hash } followed by the text

    explicit ChannelName(Shared* shared) : shared_(shared) {}

    Shared* shared_ = nullptr;
};

/// For unordered containers keyed by ChannelName.
struct ChannelNameHash {
    std::size_t operator()(const ChannelName& name) const { return name.hash(); }
};

}  // namespace roomcast

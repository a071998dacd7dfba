// SPDX-License-Identifier: Apache-2.0
// NATS subjects for channels: names are data, whatever a subject makes of their characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "model/channel_name.hpp"

namespace roomcast {

/// The subjects below one prefix.
class NatsSubjects {
public:
    static constexpr std::size_t kMaxPrefixBytes = 128;

    /// `prefix`: is_prefix().
    explicit NatsSubjects(std::string prefix) : prefix_(std::move(prefix)) {}

    /// Tokens of letters, digits, '-' and '_' with dots between them, of at most kMaxPrefixBytes.
    [[nodiscard]] static bool is_prefix(std::string_view text);

    /// `<prefix>.<token>`: in the token, letters, digits, '-' and '_' are themselves and each other
    /// byte is `%XX`. So no name becomes two tokens, a wildcard or the end of a line.
    [[nodiscard]] std::string of(const ChannelName& channel) const;

    /// `<prefix>.rc.control`: two tokens, as no channel has.
    [[nodiscard]] std::string control() const { return prefix_ + ".rc.control"; }

    /// Where nobody listens, to ask whether publishing is allowed.
    [[nodiscard]] std::string probe() const { return prefix_ + ".rc.probe"; }

private:
    std::string prefix_;
};

/// A server drops a client for good whose line is longer than this (its default), and a subject
/// shares that line with some numbers.
inline constexpr std::size_t kNatsControlLineBytes = 4'096;
static_assert(NatsSubjects::kMaxPrefixBytes + 3 * ChannelName::kMaxBytes + 64 <
              kNatsControlLineBytes);

}  // namespace roomcast

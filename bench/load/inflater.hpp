// SPDX-License-Identifier: Apache-2.0
// Reads messages that are each compressed by themselves (RFC 7692 with no context takeover).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace roomcast::bench {

/// One for all clients: they take turns.
class Inflater {
public:
    Inflater();
    ~Inflater();
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    /// The text of a whole message, until the next call; nothing when it is broken.
    [[nodiscard]] std::optional<std::string_view> inflate(std::string_view payload);

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
    std::string in_;
    std::string out_;
};

}  // namespace roomcast::bench

// SPDX-License-Identifier: Apache-2.0
// Bytes on their way from one side to the other, which come and go in pieces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace roomcast {

/// First in, first out. Holds no memory while it is empty, and never more than in proportion to
/// what is in it, however long it goes on without becoming empty.
class ByteQueue {
public:
    void append(std::string_view bytes);

    /// All that is in it; until the next call of another function.
    [[nodiscard]] std::string_view bytes() const {
        return std::string_view(buffer_).substr(begin_);
    }

    /// Takes `size` bytes, at most all, from the front.
    void consume(std::size_t size);

private:
    std::string buffer_;
    std::size_t begin_ = 0;  // what stands before it is taken
};

}  // namespace roomcast

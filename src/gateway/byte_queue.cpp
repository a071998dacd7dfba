// SPDX-License-Identifier: Apache-2.0
#include "gateway/byte_queue.hpp"

#include "util/assert.hpp"

namespace roomcast {

void ByteQueue::append(std::string_view bytes) {
    // Each byte is moved once at the most for each that was taken.
    if (begin_ > buffer_.size() / 2) {
        buffer_.erase(0, begin_);
        begin_ = 0;
    }
    buffer_.append(bytes);
}

void ByteQueue::consume(std::size_t size) {
    ASSERT(size <= buffer_.size() - begin_);
    begin_ += size;
    if (begin_ < buffer_.size()) return;
    std::string().swap(buffer_);  // an assignment would keep the memory
    begin_ = 0;
}

}  // namespace roomcast

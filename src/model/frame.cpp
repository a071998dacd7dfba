// SPDX-License-Identifier: Apache-2.0
#include "model/frame.hpp"

#include <algorithm>
#include <new>

namespace roomcast {

Frame* Frame::make(std::string_view header, std::string_view text) {
    const std::size_t size = header.size() + text.size();
    void* memory = ::operator new(sizeof(Frame) + size);
    auto* frame = new (memory) Frame(header.size(), size);
    // Not memcpy: an empty view may have no address.
    char* const to = reinterpret_cast<char*>(frame + 1);
    std::copy(text.begin(), text.end(), std::copy(header.begin(), header.end(), to));
    return frame;
}

void Frame::release() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        this->~Frame();
        ::operator delete(this);
    }
}

}  // namespace roomcast

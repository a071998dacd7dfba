// SPDX-License-Identifier: Apache-2.0
#include "gateway/outbox.hpp"

#include <algorithm>
#include <cstring>

#include "util/assert.hpp"

namespace roomcast {

Outbox::~Outbox() {
    clear();
    delete[] heap_;
}

void Outbox::grow() {
    // Slots before head_ are free again: moving down is enough while at least half are.
    if (head_ >= capacity_ / 2 && head_ > 0) {
        std::memmove(slots(), slots() + head_, count_ * sizeof(Slot));
    } else {
        const std::uint32_t larger = capacity_ * 2;
        auto* slots_now = new Slot[larger];
        std::memcpy(slots_now, slots() + head_, count_ * sizeof(Slot));
        delete[] heap_;
        heap_ = slots_now;
        capacity_ = larger;
    }
    head_ = 0;
}

std::size_t Outbox::measure(std::size_t most_bytes, std::size_t& bytes) const {
    bytes = bytes_;
    if (bytes_ <= most_bytes) return count_;
    bytes = front().size();
    std::size_t frames = 1;
    for (; frames < count_; ++frames) {
        const std::size_t more = frame_of(slots()[head_ + frames])->bytes().size();
        if (bytes + more > most_bytes) break;
        bytes += more;
    }
    return frames;
}

void Outbox::copy(std::size_t frames, char* to) const {
    std::size_t offset = front_offset_;
    for (std::size_t i = 0; i < frames; ++i) {
        const std::string_view bytes = frame_of(slots()[head_ + i])->bytes().substr(offset);
        std::memcpy(to, bytes.data(), bytes.size());
        to += bytes.size();
        offset = 0;
    }
}

bool Outbox::starts_like(const Outbox& other, std::size_t frames) const {
    return frames <= count_ && frames <= other.count_ && front_offset_ == other.front_offset_ &&
           std::memcmp(slots() + head_, other.slots() + other.head_, frames * sizeof(Slot)) == 0;
}

void Outbox::consume(std::size_t bytes) {
    ASSERT(bytes <= bytes_);
    if (bytes == bytes_) return clear();  // the usual case, which need not look at the frames
    while (bytes > 0) {
        const std::size_t rest = front().size();
        if (bytes < rest) {
            front_offset_ += static_cast<std::uint32_t>(bytes);
            bytes_ -= bytes;
            return;
        }
        bytes -= rest;
        release_front();
    }
}

void Outbox::release_front() {
    const Slot slot = slots()[head_];
    LocalFrame* frame = frame_of(slot);
    const std::size_t size = frame->bytes().size();
    bytes_ -= size - front_offset_;
    if (!(slot & kAnswerBit)) live_bytes_ -= size;
    front_offset_ = 0;
    frame->release();
    ++head_;
    if (--count_ == 0) head_ = 0;
}

void Outbox::clear() {
    const Slot* const first = slots() + head_;
    for (std::uint32_t i = 0; i < count_; ++i)
        frame_of(first[i])->release();
    head_ = count_ = front_offset_ = 0;
    bytes_ = live_bytes_ = 0;
}

void Outbox::drop_unsent() {
    const std::uint32_t kept = front_offset_ > 0 ? 1 : 0;
    while (count_ > kept) {
        const Slot slot = slots()[head_ + count_ - 1];
        const std::size_t size = frame_of(slot)->bytes().size();
        bytes_ -= size;
        if (!(slot & kAnswerBit)) live_bytes_ -= size;
        frame_of(slot)->release();
        --count_;
    }
    if (count_ == 0) head_ = 0;
}

void Outbox::shrink() {
    if (count_ > 0 || heap_ == nullptr) return;
    delete[] heap_;
    heap_ = nullptr;
    capacity_ = kInlineSlots;
    head_ = 0;
}

}  // namespace roomcast

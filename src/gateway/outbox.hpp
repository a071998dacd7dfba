// SPDX-License-Identifier: Apache-2.0
// What waits to be sent to one client: a bounded queue of shared frames. Slow readers are dealt
// with here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "model/frame.hpp"

namespace roomcast {

/// A first-in, first-out queue of frames, with the part of the first one that was sent already.
/// Frames are *live* (they count towards the limit) or *answers* (they do not). Holds up to four
/// frames without memory of its own.
class Outbox {
public:
    Outbox() = default;
    ~Outbox();
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    void push_live(const LocalFramePtr& frame) { push(frame, 0); }

    void push_answer(const LocalFramePtr& frame) { push(frame, kAnswerBit); }

    [[nodiscard]] bool is_empty() const { return count_ == 0; }

    [[nodiscard]] std::size_t frame_count() const { return count_; }

    /// Unsent bytes of all frames.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

    /// Bytes of the live frames that are not wholly sent.
    [[nodiscard]] std::size_t live_bytes() const { return live_bytes_; }

    /// The unsent rest of the first frame. Not empty unless the outbox is.
    [[nodiscard]] std::string_view front() const {
        return count_ == 0 ? std::string_view()
                           : frame_of(slots()[head_])->bytes().substr(front_offset_);
    }

    /// How many whole frames from the first on have together at most `most_bytes` unsent bytes; 1
    /// at least unless the outbox is empty. `bytes` is set to their sum.
    [[nodiscard]] std::size_t measure(std::size_t most_bytes, std::size_t& bytes) const;
    /// Copies the unsent bytes of the first `frames` frames.
    void copy(std::size_t frames, char* to) const;
    /// Whether the first `frames` frames are the very same, sent up to the same point, as there.
    [[nodiscard]] bool starts_like(const Outbox& other, std::size_t frames) const;

    /// Marks `bytes` from the front as sent, releasing the frames that are done.
    void consume(std::size_t bytes);
    /// Drops all frames of which nothing was sent yet. A frame that is partly sent must stay: the
    /// peer could not read what follows.
    void drop_unsent();
    /// Gives memory back that a burst needed. Only when empty.
    void shrink();

private:
    // A LocalFrame* whose lowest bit says "answer".
    using Slot = std::uintptr_t;
    static constexpr Slot kAnswerBit = 1;
    static constexpr std::uint32_t kInlineSlots = 4;

    void push(const LocalFramePtr& frame, Slot bit) {
        if (head_ + count_ == capacity_) grow();
        frame->retain();
        slots()[head_ + count_] = reinterpret_cast<Slot>(frame.get()) | bit;
        ++count_;
        const std::size_t size = frame->bytes().size();
        bytes_ += size;
        if (!bit) live_bytes_ += size;
    }

    void grow();
    void clear();

    [[nodiscard]] Slot* slots() { return heap_ ? heap_ : inline_; }

    [[nodiscard]] const Slot* slots() const { return heap_ ? heap_ : inline_; }

    [[nodiscard]] static LocalFrame* frame_of(Slot slot) {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): a bit of the address is what saves half a slot
        return reinterpret_cast<LocalFrame*>(slot & ~kAnswerBit);
    }

    void release_front();

    Slot* heap_ = nullptr;
    std::uint32_t head_ = 0;
    std::uint32_t count_ = 0;
    std::uint32_t capacity_ = kInlineSlots;
    std::uint32_t front_offset_ = 0;
    std::size_t bytes_ = 0;
    std::size_t live_bytes_ = 0;
    Slot inline_[kInlineSlots] = {};
};

}  // namespace roomcast

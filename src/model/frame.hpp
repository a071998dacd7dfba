// SPDX-License-Identifier: Apache-2.0
// Encoded bytes on their way to clients: built once, immutable, shared by all who get them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace roomcast {

/// One whole WebSocket frame (header and text) in one allocation, with an atomic reference count.
/// Crosses threads; a thread that fans it out wraps it in a LocalFrame first, so that the shared
/// count is touched once a thread and not once a receiver.
class Frame {
public:
    /// Copies `header` and `text` behind each other.
    [[nodiscard]] static Frame* make(std::string_view header, std::string_view text);

    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

    /// All bytes, as a WebSocket peer gets them.
    [[nodiscard]] std::string_view bytes() const { return {data(), size_}; }

    /// The document alone, without the WebSocket header.
    [[nodiscard]] std::string_view text() const { return bytes().substr(header_size_); }

    void retain() { references_.fetch_add(1, std::memory_order_relaxed); }

    void release();

private:
    Frame(std::size_t header_size, std::size_t size)
        : size_(static_cast<std::uint32_t>(size)),
          header_size_(static_cast<std::uint16_t>(header_size)) {}

    [[nodiscard]] const char* data() const { return reinterpret_cast<const char*>(this + 1); }

    std::atomic<std::uint32_t> references_{1};
    const std::uint32_t size_;
    const std::uint16_t header_size_;
};

/// An owning pointer to a Frame or LocalFrame.
template <class T>
class Ref {
public:
    Ref() = default;

    /// Takes over one reference.
    explicit Ref(T* counted) : counted_(counted) {}

    Ref(const Ref& other) : counted_(other.counted_) {
        if (counted_) counted_->retain();
    }

    Ref(Ref&& other) noexcept : counted_(std::exchange(other.counted_, nullptr)) {}

    Ref& operator=(Ref other) noexcept {
        std::swap(counted_, other.counted_);
        return *this;
    }

    ~Ref() {
        if (counted_) counted_->release();
    }

    T* operator->() const { return counted_; }

    T& operator*() const { return *counted_; }

    explicit operator bool() const { return counted_ != nullptr; }

    [[nodiscard]] T* get() const { return counted_; }

    /// Gives the reference away.
    [[nodiscard]] T* detach() { return std::exchange(counted_, nullptr); }

private:
    T* counted_ = nullptr;
};

/// A frame as one thread counts it: plain reference count, never seen by another thread.
class LocalFrame {
public:
    /// Takes over the caller's reference to `frame`.
    [[nodiscard]] static LocalFrame* make(Frame* frame) { return new LocalFrame(frame); }

    LocalFrame(const LocalFrame&) = delete;
    LocalFrame& operator=(const LocalFrame&) = delete;

    [[nodiscard]] std::string_view bytes() const { return bytes_; }

    [[nodiscard]] std::string_view text() const { return frame_->text(); }

    /// Whether it was tried to make this frame shorter, and what came of it; null: nothing did.
    [[nodiscard]] bool is_deflate_tried() const { return is_deflate_tried_; }

    [[nodiscard]] const Ref<LocalFrame>& deflated() const { return deflated_; }

    /// Keeps the compressed form for all who get this frame on this thread.
    void keep_deflated(Ref<LocalFrame> deflated) {
        is_deflate_tried_ = true;
        deflated_ = std::move(deflated);
    }

    void retain() { ++references_; }

    void release() {
        if (--references_ == 0) delete this;
    }

private:
    explicit LocalFrame(Frame* frame) : bytes_(frame->bytes()), frame_(frame) {}

    ~LocalFrame() { frame_->release(); }

    std::string_view bytes_;
    Frame* frame_;
    Ref<LocalFrame> deflated_;
    std::uint32_t references_ = 1;
    bool is_deflate_tried_ = false;
};

using FramePtr = Ref<Frame>;
using LocalFramePtr = Ref<LocalFrame>;

/// Wraps a frame for this thread, taking over the reference.
[[nodiscard]] inline LocalFramePtr make_local(FramePtr frame) {
    return LocalFramePtr(LocalFrame::make(frame.detach()));
}

}  // namespace roomcast

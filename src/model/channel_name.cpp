// SPDX-License-Identifier: Apache-2.0
#include "model/channel_name.hpp"

#include <cstring>
#include <new>
#include <utility>

#include "util/hash.hpp"

namespace roomcast {

struct ChannelName::Shared {
    std::atomic<std::uint32_t> references;
    std::uint32_t size;
    std::uint64_t hash;

    [[nodiscard]] char* text() { return reinterpret_cast<char*>(this + 1); }
};

namespace {

bool has_control_character(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f) return true;
        // U+0080 to U+009F, the C1 controls, are C2 80 to C2 9F in UTF-8.
        if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
            return true;
        }
    }
    return false;
}

}  // namespace

Result<ChannelName> ChannelName::make(std::string_view text) {
    if (text.empty() || text.size() > kMaxBytes || has_control_character(text)) {
        return Errc::bad_channel;
    }
    void* memory = ::operator new(sizeof(Shared) + text.size());
    auto* shared =
        new (memory) Shared{1, static_cast<std::uint32_t>(text.size()), seeded_hash(text)};
    std::memcpy(shared->text(), text.data(), text.size());
    return ChannelName(shared);
}

ChannelName::ChannelName(const ChannelName& other) : shared_(other.shared_) {
    if (shared_) shared_->references.fetch_add(1, std::memory_order_relaxed);
}

ChannelName::ChannelName(ChannelName&& other) noexcept
    : shared_(std::exchange(other.shared_, nullptr)) {}

ChannelName& ChannelName::operator=(ChannelName other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
}

ChannelName::~ChannelName() {
    if (shared_ && shared_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        shared_->~Shared();
        ::operator delete(shared_);
    }
}

std::string_view ChannelName::text() const {
    return shared_ ? std::string_view(shared_->text(), shared_->size) : std::string_view();
}

std::uint64_t ChannelName::hash() const {
    return shared_ ? shared_->hash : 0;
}

}  // namespace roomcast

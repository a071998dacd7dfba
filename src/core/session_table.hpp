// SPDX-License-Identifier: Apache-2.0
// The sessions of one shard by their ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/ids.hpp"
#include "util/assert.hpp"

namespace roomcast {

class Session;

/// A slot map. An id holds the slot and how often it was used, so finding is an index and a
/// compare, and no id is given twice: a slot whose uses are counted out is left empty.
class SessionTable {
public:
    explicit SessionTable(ShardIndex shard) : shard_(shard) {}

    [[nodiscard]] SessionId add(Session& session) {
        std::uint64_t slot = slots_.size();
        if (free_slots_.empty()) {
            ASSERT(slot <= kSlotMask);
            slots_.emplace_back();
        } else {
            slot = free_slots_.back();
            free_slots_.pop_back();
        }
        slots_[slot].session = &session;
        ++slots_[slot].uses;
        ++size_;
        return make_session_id(shard_, slots_[slot].uses << kSlotBits | slot);
    }

    void remove(SessionId id) {
        ASSERT(find(id) != nullptr);
        const std::uint64_t slot = slot_of(id);
        slots_[slot].session = nullptr;
        --size_;
        if (slots_[slot].uses < kMaxUses) free_slots_.push_back(static_cast<std::uint32_t>(slot));
    }

    /// The session with this id, unless it is gone or of another shard.
    [[nodiscard]] Session* find(SessionId id) const {
        const std::uint64_t slot = slot_of(id);
        if (shard_of(id) != shard_ || slot >= slots_.size()) return nullptr;
        return slots_[slot].uses == uses_of(id) ? slots_[slot].session : nullptr;
    }

    template <class Visit>
    void for_each(Visit visit) const {
        for (const Slot& slot : slots_) {
            if (slot.session) visit(*slot.session);
        }
    }

    [[nodiscard]] std::size_t size() const { return size_; }

private:
    static constexpr unsigned kSlotBits = 22;  // four million sessions on one shard
    static constexpr std::uint64_t kSlotMask = (std::uint64_t{1} << kSlotBits) - 1;
    static constexpr std::uint64_t kMaxUses = (std::uint64_t{1} << (48 - kSlotBits)) - 1;

    struct Slot {
        Session* session = nullptr;
        std::uint64_t uses = 0;
    };

    static std::uint64_t slot_of(SessionId id) {
        return static_cast<std::uint64_t>(id) & kSlotMask;
    }

    static std::uint64_t uses_of(SessionId id) {
        return (static_cast<std::uint64_t>(id) & ((std::uint64_t{1} << 48) - 1)) >> kSlotBits;
    }

    const ShardIndex shard_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::size_t size_ = 0;
};

}  // namespace roomcast

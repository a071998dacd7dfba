// SPDX-License-Identifier: Apache-2.0
// Which publications RabbitMQ has not yet confirmed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "util/clock.hpp"

namespace roomcast::rabbitmq {

/// A publication that was sent.
struct Sent {
    std::uint64_t id = 0;  // 0: nobody waits for the answer
    std::size_t bytes = 0;
    SteadyTime at{};
};

/// Of one channel in confirm mode: the server numbers its publications from 1 on, and confirms them
/// in any order, one or all up to one at a time.
class Confirms {
public:
    void add(const Sent& sent) {
        open_.emplace_back(sent);
        ++unconfirmed_;
    }

    /// Those that `tag` stands for, in the order in which they were sent; none for a tag that was
    /// never given, or confirmed before.
    [[nodiscard]] std::vector<Sent> take(std::uint64_t tag, bool is_multiple) {
        std::vector<Sent> taken;
        if (tag < first_tag_ || tag - first_tag_ >= open_.size()) return taken;
        const auto index = static_cast<std::size_t>(tag - first_tag_);
        for (std::size_t i = is_multiple ? 0 : index; i <= index; ++i)
            take_at(i, taken);
        while (!open_.empty() && !open_.front()) {
            open_.pop_front();
            ++first_tag_;
        }
        return taken;
    }

    /// All that are left; the channel is gone.
    [[nodiscard]] std::vector<Sent> take_all() {
        std::vector<Sent> taken;
        for (std::size_t i = 0; i < open_.size(); ++i)
            take_at(i, taken);
        open_.clear();
        first_tag_ = 1;
        return taken;
    }

    /// When the oldest one for whose answer somebody waits was sent.
    [[nodiscard]] std::optional<SteadyTime> oldest() const {
        for (const auto& sent : open_) {
            if (sent && sent->id != 0) return sent->at;
        }
        return std::nullopt;
    }

    [[nodiscard]] std::size_t size() const { return unconfirmed_; }

private:
    void take_at(std::size_t index, std::vector<Sent>& taken) {
        std::optional<Sent>& sent = open_[index];
        if (!sent) return;
        taken.push_back(*sent);
        sent.reset();
        --unconfirmed_;
    }

    std::deque<std::optional<Sent>> open_;  // by tag; the first one is not confirmed
    std::uint64_t first_tag_ = 1;
    std::size_t unconfirmed_ = 0;
};

}  // namespace roomcast::rabbitmq

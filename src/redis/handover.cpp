// SPDX-License-Identifier: Apache-2.0
#include "redis/handover.hpp"

#include <chrono>
#include <utility>

namespace roomcast::redis {

namespace {

/// A node that is slower than this, or was lost: its messages may come twice, and the channels are
/// told that some are missing anyway.
constexpr std::chrono::seconds kPatience{1};

}  // namespace

std::optional<std::string> Handover::begin(std::size_t marks, std::function<void()> on_late) {
    if (!current_.empty() || waiting_.empty()) return std::nullopt;
    current_ = std::exchange(waiting_, {});
    marks_left_ = marks;
    late_timer_ = loop_.timers().add(loop_.now() + kPatience, std::move(on_late));
    return std::to_string(++round_);
}

bool Handover::on_mark(std::string_view text) {
    if (current_.empty() || text != std::to_string(round_)) return false;  // of an earlier round
    return --marks_left_ == 0;
}

std::vector<Handover::Channel> Handover::end() {
    loop_.timers().cancel(late_timer_);
    return std::exchange(current_, {});
}

void Handover::clear() {
    waiting_.clear();
    (void)end();
}

}  // namespace roomcast::redis

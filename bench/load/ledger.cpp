// SPDX-License-Identifier: Apache-2.0
#include "load/ledger.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>

namespace roomcast::bench {

void Track::open_start() {
    next_ = std::numeric_limits<std::uint32_t>::max();
    is_start_open_ = true;
}

void Track::confirm_start(std::uint32_t published) {
    if (is_start_open_) next_ = published;
}

bool Track::record(std::uint32_t sequence, Tally& tally) {
    if (sequence == next_ || (is_start_open_ && sequence < next_)) {
        next_ = sequence + 1;
        is_start_open_ = false;
        ++tally.delivered;
        return true;
    }
    is_start_open_ = false;
    if (sequence > next_) {
        gaps_.push_back({next_, sequence});
        next_ = sequence + 1;
        ++tally.delivered;
        return true;
    }
    if (!fill_gap(sequence)) {
        ++tally.doubled;
        return false;
    }
    ++tally.out_of_order;
    ++tally.delivered;
    return true;
}

bool Track::fill_gap(std::uint32_t sequence) {
    const auto after = std::upper_bound(
        gaps_.begin(), gaps_.end(), sequence, [](std::uint32_t value, const Gap& gap) {
            return value < gap.begin;
        });
    if (after == gaps_.begin()) return false;
    const auto found = std::prev(after);
    if (sequence >= found->end) return false;
    const Gap left{found->begin, sequence};
    const Gap right{sequence + 1, found->end};
    auto place = gaps_.erase(found);
    if (right.begin < right.end) place = gaps_.insert(place, right);
    if (left.begin < left.end) gaps_.insert(place, left);
    return true;
}

void Track::finish(std::uint32_t end, Tally& tally) {
    for (const Gap& gap : gaps_)
        tally.lost += gap.end - gap.begin;
    if (end > next_) tally.lost += end - next_;
    gaps_.clear();
    next_ = std::max(next_, end);
}

std::uint32_t InFlight::publish(std::size_t stream, std::uint32_t readers) {
    Stream& to = streams_[stream];
    // Forgets the delivered front now and then, so that a long run does not grow.
    if (to.done > 4096 && to.done * 2 > to.missing.size()) {
        to.missing.erase(to.missing.begin(),
                         to.missing.begin() + static_cast<std::ptrdiff_t>(to.done));
        to.base += static_cast<std::uint32_t>(to.done);
        to.done = 0;
    }
    to.missing.push_back(readers);
    if (readers > 0) ++count_;
    return to.base + static_cast<std::uint32_t>(to.missing.size()) - 1;
}

void InFlight::delivered(std::size_t stream, std::uint32_t sequence) {
    Stream& from = streams_[stream];
    if (sequence < from.base || sequence - from.base >= from.missing.size()) return;
    std::uint32_t& missing = from.missing[sequence - from.base];
    if (missing == 0 || --missing != 0) return;
    --count_;
    while (from.done < from.missing.size() && from.missing[from.done] == 0)
        ++from.done;
}

}  // namespace roomcast::bench

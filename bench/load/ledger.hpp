// SPDX-License-Identifier: Apache-2.0
// The checker: which publications a reader got, and which it should have got.
#pragma once

#include <cstdint>
#include <vector>

namespace roomcast::bench {

struct Tally {
    std::uint64_t delivered = 0;     ///< first copies, late ones included
    std::uint64_t lost = 0;          ///< known only after Track::finish
    std::uint64_t doubled = 0;       ///< came once more
    std::uint64_t out_of_order = 0;  ///< came after a later one
    std::uint64_t stray = 0;  ///< of a channel that the reader does not listen to, or damaged

    Tally& operator+=(const Tally& other) {
        delivered += other.delivered;
        lost += other.lost;
        doubled += other.doubled;
        out_of_order += other.out_of_order;
        stray += other.stray;
        return *this;
    }

    [[nodiscard]] bool is_clean() const {
        return lost == 0 && doubled == 0 && out_of_order == 0 && stray == 0;
    }
};

/// One reader's view of one stream: exact, however late or often a publication comes.
class Track {
public:
    /// For a reader that subscribes while publications flow: the first sequence seen is the start.
    void open_start();
    /// The subscription is confirmed after `published` publications: all later ones must come.
    void confirm_start(std::uint32_t published);

    /// True when this is the first copy.
    bool record(std::uint32_t sequence, Tally& tally);

    /// Books as lost what is missing of the sequences below `end`.
    void finish(std::uint32_t end, Tally& tally);

    /// Books as lost only what is missing below the latest sequence seen.
    void finish_here(Tally& tally) { finish(next_, tally); }

private:
    struct Gap {
        std::uint32_t begin;
        std::uint32_t end;
    };

    bool fill_gap(std::uint32_t sequence);

    std::uint32_t next_ = 0;
    bool is_start_open_ = false;
    std::vector<Gap> gaps_;  ///< sorted, apart
};

/// What is published and not yet with every reader: the window that keeps queues out of the
/// measurement.
class InFlight {
public:
    explicit InFlight(std::size_t streams) : streams_(streams) {}

    /// Returns the sequence of the stream's next publication, which `readers` are to get.
    std::uint32_t publish(std::size_t stream, std::uint32_t readers);
    void delivered(std::size_t stream, std::uint32_t sequence);

    [[nodiscard]] std::uint64_t count() const { return count_; }

    [[nodiscard]] std::uint32_t published(std::size_t stream) const {
        return streams_[stream].base + static_cast<std::uint32_t>(streams_[stream].missing.size());
    }

private:
    struct Stream {
        std::uint32_t base = 0;              ///< the sequence of missing[0]
        std::size_t done = 0;                ///< so many at the front are with every reader
        std::vector<std::uint32_t> missing;  ///< readers still to come, by sequence
    };

    std::vector<Stream> streams_;
    std::uint64_t count_ = 0;
};

}  // namespace roomcast::bench

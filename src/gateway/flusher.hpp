// SPDX-License-Identifier: Apache-2.0
// The end of a turn of the loop: everything that was queued goes out in few system calls.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "core/metrics.hpp"
#include "gateway/connection.hpp"
#include "gateway/send_batch.hpp"

namespace roomcast {

/// The shard's list of connections with something to send. Sends in slices, so that one busy turn
/// delays neither reading nor other connections.
class Flusher {
public:
    Flusher(std::unique_ptr<SendBatch> batch, ShardMetrics& metrics);

    /// Puts a connection at the end of the list. It marks itself as listed.
    void add(ConnectionPtr connection) { dirty_.push_back(std::move(connection)); }

    [[nodiscard]] bool is_empty() const { return flushing_.empty() && dirty_.empty(); }

    /// Sends one slice: at most SendBatch::kMaxSends connections and 64 KiB for each.
    void flush_slice();

private:
    static constexpr std::size_t kMaxBytes = 65'536;
    static constexpr std::size_t kArenaBytes = 1'048'576;

    void send();
    /// Finds what `connection` sends now. False when the arena is too full for it.
    [[nodiscard]] bool prepare(Connection& connection, std::string_view& bytes);
    [[nodiscard]] bool prepare_batch(Connection& connection, std::string_view& bytes);
    [[nodiscard]] static std::string_view encrypt(Connection& connection);

    std::unique_ptr<SendBatch> batch_;
    ShardMetrics& metrics_;
    std::vector<ConnectionPtr> dirty_;     // arriving
    std::vector<ConnectionPtr> flushing_;  // done up to head_; empty when all are
    std::size_t head_ = 0;
    // One slice of flushing_: sends_[i] belongs to slice_[i].
    std::vector<Connection*> slice_;
    std::vector<SendBatch::Send> sends_;
    // Frames that lie apart are copied behind each other, once for all in a row that send the same.
    std::unique_ptr<char[]> arena_ = std::make_unique_for_overwrite<char[]>(kArenaBytes);
    std::size_t arena_used_ = 0;

    struct Copy {
        const Connection* of = nullptr;
        std::size_t frames = 0;
        std::string_view bytes;
    };

    // The latest first; two, for those who get a channel compressed and those who do not.
    std::array<Copy, 2> copies_;
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// Sends what is queued on many sockets: the one place where bytes leave the process to clients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "util/result.hpp"

namespace roomcast {

/// Whether sends go through io_uring (IO_URING).
enum class IoUring : std::uint8_t { automatic, on, off };

/// Sends on a slice of sockets at once. One per shard, used by its thread alone.
class SendBatch {
public:
    /// The most sends of one call.
    static constexpr std::size_t kMaxSends = 256;

    struct Send {
        int socket;
        std::string_view bytes;
        /// Filled in: the bytes that the kernel took, or a negated errno (-EAGAIN: none for now).
        long result;
    };

    virtual ~SendBatch() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// Never blocks. At most kMaxSends entries. Gives the number of system calls it needed.
    virtual std::size_t send(std::span<Send> sends) = 0;
};

/// One send(2) a socket. Works everywhere.
[[nodiscard]] std::unique_ptr<SendBatch> make_plain_send_batch();

/// All sends of a call in one io_uring_enter(2). Must be made on the thread that uses it. The error
/// says why there is none: old kernels lack it, container profiles often forbid it.
[[nodiscard]] Outcome<std::unique_ptr<SendBatch>, std::string> make_uring_send_batch();

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// The three ways in which the floor hands ready frames to the kernel.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace roomcast::bench {

/// A connection as the senders see it.
struct Outlet {
    int fd = -1;
    std::string pending;  ///< what the kernel did not take; nothing may overtake it
};

class Sender {
public:
    virtual ~Sender() = default;
    /// Sends `frames`, a publisher's read in one piece, to every outlet. They stay valid until
    /// flush() has returned.
    virtual void send(const std::vector<Outlet*>& outlets, std::string_view frames) = 0;

    /// The end of the tick.
    virtual void flush() {}

    /// Whether a publisher's read should be sent in one piece, or frame by frame.
    [[nodiscard]] virtual bool is_batching() const = 0;
};

/// Sends what an outlet has pending; call it when the outlet is writable.
void send_pending(Outlet& outlet);

/// `mode` is send (one send() a frame), batch (one send() a read) or uring (batch, and all sends of
/// a tick in one io_uring_enter); null for another.
[[nodiscard]] std::unique_ptr<Sender> make_sender(std::string_view mode);

}  // namespace roomcast::bench

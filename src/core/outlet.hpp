// SPDX-License-Identifier: Apache-2.0
// How core reaches a client: what a gateway's connection does for its session.
#pragma once

#include <cstddef>
#include <string_view>

#include "model/close_code.hpp"
#include "model/frame.hpp"

namespace roomcast {

/// The way out to one client. Called on the session's shard; never calls back into core from
/// within: an outlet that must end tells its session at the end of the loop's turn.
class Outlet {
public:
    virtual ~Outlet() = default;
    /// Queues a live frame. It counts towards OUTBOX_BYTES; over that the connection ends as a slow
    /// consumer.
    virtual void push(const LocalFramePtr& frame) = 0;
    /// Queues an answer that the client asked for. It does not count towards OUTBOX_BYTES; only 10
    /// s without progress end it.
    virtual void push_answer(LocalFramePtr frame) = 0;
    /// Sends what is queued, then a close frame; nothing is pushed afterwards. The first call
    /// counts.
    virtual void close(CloseCode code, std::string_view reason) = 0;
    /// False: no further client message is read until it is set to true again.
    virtual void set_reading(bool is_reading) = 0;
    [[nodiscard]] virtual std::size_t queued_bytes() const = 0;
};

}  // namespace roomcast

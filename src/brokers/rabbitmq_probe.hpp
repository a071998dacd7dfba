// SPDX-License-Identifier: Apache-2.0
// Whether what is published still reaches this node's queue.
#pragma once

#include <cstdint>

namespace roomcast::rabbitmq {

/// An exchange that an operator deletes, and that is made again, has no bindings: both connections
/// live, publications are confirmed, and nothing arrives. So in each interval one message goes the
/// way of all others. Only one that the server has confirmed, and after which nothing at all has
/// arrived for an interval, is missing: a queue that is behind delivers what stands before it.
class Probe {
public:
    /// As Outgoing::id: no publication's.
    static constexpr std::uint64_t kId = ~std::uint64_t{0};

    enum class Step : std::uint8_t { send, wait, give_up };

    /// What to do in an interval that begins.
    [[nodiscard]] Step next() {
        const bool is_silent = !has_heard_;
        has_heard_ = false;
        switch (stage_) {
            case Stage::idle:
                stage_ = Stage::sent;
                return Step::send;
            case Stage::sent:
                return Step::wait;
            case Stage::confirmed:
                // The one in which it was confirmed may have just ended.
                stage_ = Stage::missed;
                return Step::wait;
            case Stage::missed:
                return is_silent ? Step::give_up : Step::wait;
        }
        return Step::wait;
    }

    void on_answer(bool is_taken) {
        if (stage_ == Stage::sent) stage_ = is_taken ? Stage::confirmed : Stage::idle;
    }

    /// Any message.
    void on_arrival() { has_heard_ = true; }

    /// The probe itself.
    void on_return() { stage_ = Stage::idle; }

    /// The connections are not the ones it was sent with.
    void reset() { *this = {}; }

private:
    enum class Stage : std::uint8_t { idle, sent, confirmed, missed };

    Stage stage_ = Stage::idle;
    bool has_heard_ = false;
};

}  // namespace roomcast::rabbitmq

// SPDX-License-Identifier: Apache-2.0
// What a broker says of itself.
#pragma once

#include <atomic>
#include <string>
#include <utility>

#include "brokers/broker.hpp"

namespace roomcast {

/// Whether publishes can be taken, and what was last told of that. Changed by one thread.
class BrokerState {
public:
    /// From any thread.
    [[nodiscard]] bool is_connected() const { return is_connected_; }

    /// Tells `sink` if it is news.
    void tell(BrokerSink& sink, bool is_connected, std::string detail) {
        const bool is_news = is_connected != is_connected_ || detail != told_detail_;
        is_connected_ = is_connected;
        told_detail_ = std::move(detail);
        if (is_news) sink.on_state(is_connected, told_detail_);
    }

    /// Nobody is told any more.
    void end() { is_connected_ = false; }

private:
    std::atomic<bool> is_connected_{false};
    std::string told_detail_;
};

}  // namespace roomcast

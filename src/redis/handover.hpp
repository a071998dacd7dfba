// SPDX-License-Identifier: Apache-2.0
// Plain channels that have moved to another node of a Cluster, until what their former node had can
// not come once more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/loop.hpp"

namespace roomcast::redis {

/// Every node of a Cluster tells plain messages to all others, each at its own speed: behind the
/// confirmation of a subscription come messages that were heard at another node before. They are
/// over when a mark, published on each other node afterwards, has come to the new one: the way from
/// node to node keeps the order. Marks go out for all channels that wait together.
class Handover {
public:
    struct Channel {
        std::string name;
        std::uint64_t move = 0;  // apart from earlier and later moves of the channel
    };

    explicit Handover(net::Loop& loop) : loop_(loop) {}

    ~Handover() { clear(); }

    Handover(const Handover&) = delete;
    Handover& operator=(const Handover&) = delete;

    /// `channel` is confirmed at the new node.
    void add(Channel channel) { waiting_.push_back(std::move(channel)); }

    /// What each mark of a new round says; nothing: there is a round already, or none waits. After
    /// a second without the last mark `on_late` is called.
    [[nodiscard]] std::optional<std::string> begin(std::size_t marks,
                                                   std::function<void()> on_late);
    /// True: that was the last one of the round.
    [[nodiscard]] bool on_mark(std::string_view text);
    /// Ends the round: its channels.
    [[nodiscard]] std::vector<Channel> end();
    /// Forgets all channels: the node was lost.
    void clear();

private:
    net::Loop& loop_;
    std::vector<Channel> waiting_;  // for the next round
    std::vector<Channel> current_;
    std::uint64_t round_ = 0;
    std::size_t marks_left_ = 0;
    TimerId late_timer_;
};

}  // namespace roomcast::redis

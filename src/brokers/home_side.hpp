// SPDX-License-Identifier: Apache-2.0
// The half of a networked broker that lives on the home shards: what waits for an answer there, and
// the mail that brings answers and publications from the broker's own thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "brokers/broker.hpp"
#include "model/channel_name.hpp"
#include "model/ids.hpp"

namespace roomcast {

/// Names a publish that waits for its answer.
struct PublishTicket {
    ShardIndex home = 0;
    std::uint32_t slot = 0;
};

struct HomeSideLimits {
    std::size_t pending_publishes = 65'536;  // of all homes
    /// Publications that may wait for one home before more are dropped (and told as gaps). Answers
    /// are not among them: those are as many as publishes are pending.
    std::size_t mail_entries = 65'536;
    std::size_t mail_bytes = 67'108'864;

    /// For a broker whose publications may come back after their answers have made room for others.
    [[nodiscard]] HomeSideLimits with_room_for_late_echoes() const {
        HomeSideLimits limits = *this;
        limits.mail_entries += pending_publishes;
        return limits;
    }
};

/// Shared by the kinds of brokers with a thread of their own. Each part is used by one thread, as
/// said; nothing is locked but the executor's own mailboxes.
class HomeSide {
public:
    HomeSide(BrokerSink& sink, Executor& executor, HomeSideLimits limits = {});
    ~HomeSide();
    HomeSide(const HomeSide&) = delete;
    HomeSide& operator=(const HomeSide&) = delete;

    // On the home of the channel:

    /// Keeps `done` until answer() or give_up(). Nothing: too many wait; `done` was answered with
    /// `unavailable`.
    [[nodiscard]] std::optional<PublishTicket> open(const ChannelName& channel,
                                                    PublishCallback done);
    /// Keeps `confirmed` until confirm() with the number that this gives. An older one of the
    /// channel is forgotten.
    [[nodiscard]] std::uint64_t await(const ChannelName& channel, SubscribeCallback confirmed);
    void forget(const ChannelName& channel);

    // On the broker's thread. All of it waits for hand_over(), in order:

    /// `body` is a bus message; it is read on the home.
    void deliver(const ChannelName& channel, std::string_view body);
    void gap(const ChannelName& channel);
    void confirm(const ChannelName& channel, std::uint64_t attempt);
    void answer(PublishTicket ticket, Result<std::optional<PublishReceipt>> result);
    void hand_over();
    /// No home is so far behind that deliver() might soon drop something. For a broker that can
    /// leave publications where they are for a while.
    [[nodiscard]] bool has_room() const;

    // When neither the homes nor the broker's thread run any more:

    /// Answers every publish that still waits with `unavailable`.
    void give_up();

    // From any thread:

    [[nodiscard]] std::size_t pending_publishes() const { return pending_publishes_; }

    [[nodiscard]] std::uint64_t bad_messages() const { return bad_messages_; }

    [[nodiscard]] std::uint64_t dropped_messages() const { return dropped_messages_; }

private:
    struct Delivery {
        ChannelName channel;
        std::string padded_body;
    };

    struct Gap {
        ChannelName channel;
    };

    struct Confirmation {
        ChannelName channel;
        std::uint64_t attempt;
    };

    struct Answer {
        std::uint32_t slot;
        Result<std::optional<PublishReceipt>> result;
    };

    using Letter = std::variant<Delivery, Gap, Confirmation, Answer>;
    using Batch = std::vector<Letter>;

    struct Home;

    [[nodiscard]] Home& home_of(const ChannelName& channel);
    void put(Home& home, Letter letter);
    void post(Home& home);
    void receive(Home& home, Batch& batch);
    void on(Home& home, Delivery& delivery);
    void on(Home& home, Gap& gap);
    void on(Home& home, Confirmation& confirmation);
    void on(Home& home, Answer& answer);

    BrokerSink& sink_;
    Executor& executor_;
    const HomeSideLimits limits_;
    std::vector<std::unique_ptr<Home>> homes_;
    std::atomic<std::size_t> pending_publishes_{0};
    std::atomic<std::uint64_t> bad_messages_{0};
    std::atomic<std::uint64_t> dropped_messages_{0};
};

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// What the homes and the watcher tell the thread of the broker on Kafka.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "brokers/home_side.hpp"
#include "brokers/kafka_client.hpp"
#include "brokers/kafka_tail.hpp"
#include "util/clock.hpp"
#include "util/mailbox.hpp"

namespace roomcast::kafka {

struct Publish {
    PublishTicket ticket;
    ChannelName channel;
    std::string body;
    SteadyTime deadline;
};

struct Control {
    std::string body;
};

struct Subscribe {
    ChannelName channel;
    std::uint64_t attempt = 0;  // of HomeSide
};

struct Unsubscribe {
    ChannelName channel;
};

/// Clients that are new; null: the one in use stays.
struct ClientsMade {
    Client producer;
    Client consumer;
};

/// The cluster has answered.
struct Found {
    Tail::Turn turn;
};

/// It has not, for a while.
struct Unreachable {
    std::string why;
};

using Mail =
    std::variant<Publish, Control, Subscribe, Unsubscribe, ClientsMade, Found, Unreachable>;

/// All of it is bounded by its senders.
struct Inbox {
    Waker waker;
    Mailbox<Mail> mail{{0, 0}, [this] { waker.wake(); }};
};

}  // namespace roomcast::kafka

// SPDX-License-Identifier: Apache-2.0
// What the bus thread and the two connections to RabbitMQ tell each other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "brokers/lanes.hpp"
#include "brokers/rabbitmq_failure.hpp"
#include "util/clock.hpp"
#include "util/mailbox.hpp"

namespace roomcast::rabbitmq {

// Beside the lanes of publications:
constexpr std::size_t kControlLane = kLanes;
constexpr std::size_t kProbeLane = kLanes + 1;

/// A publication on its way.
struct Outgoing {
    std::uint64_t id = 0;  // of the answer; 0: none is wanted
    std::size_t lane = kControlLane;
    std::string channel = {};
    std::string body = {};
    SteadyTime deadline{};
};

/// What has become of a publication.
enum class Verdict : std::uint8_t {
    taken,
    too_large,  // for the server
    blocked,    // the server takes none at the moment
    failed,     // refused, or not confirmed
};

struct Answered {
    std::uint64_t id;
    Verdict verdict;
};

/// The server takes no larger ones.
struct SizeLimit {
    std::size_t bytes;
};

/// The server takes no publications for this reason; empty: it takes them again.
struct Blocked {
    std::string reason;
};

enum class Kind : std::uint8_t { publication, control, probe };

struct Arrived {
    Kind kind = Kind::publication;
    std::string channel = {};  // empty: it does not say
    std::string body = {};
};

/// The answer to a request of the bus thread's.
struct LaneBound {
    std::size_t lane;
    std::uint64_t request;
};

enum class Link : std::uint8_t { publisher, consumer };

struct LinkUp {
    Link link;
};

struct LinkDown {
    Link link;
    bool was_ready;
    Failure failure;
};

using Event = std::variant<Answered, SizeLimit, Blocked, Arrived, LaneBound, LinkUp, LinkDown>;

/// From both connections' threads to the bus thread. What has arrived is bounded by the consumer,
/// which must not read on while the mail is full; all else is bounded by what it answers.
class Mail {
public:
    static constexpr std::size_t kMostBytes = 67'108'864;

    /// `wake` is called on one of the writing threads; take() must follow.
    explicit Mail(std::function<void()> wake) : mailbox_({0, 0}, std::move(wake)) {}

    /// Takes over a batch, leaving it empty.
    void put(std::vector<Event>& batch) {
        if (batch.empty()) return;
        std::size_t bytes = 0;
        for (const Event& event : batch)
            bytes += bytes_of(event);
        waiting_bytes_.fetch_add(bytes, std::memory_order_relaxed);
        mailbox_.put_batch(
            batch,
            [](const Event&) { return std::optional<std::size_t>(); },
            [](const Event&) {},
            [](Event&) { return true; });
    }

    [[nodiscard]] bool is_full() const {
        return waiting_bytes_.load(std::memory_order_relaxed) >= kMostBytes;
    }

    /// On the bus thread; `taken` must be empty. True: it was full.
    [[nodiscard]] bool take(std::vector<Event>& taken) {
        mailbox_.take(taken);
        std::size_t bytes = 0;
        for (const Event& event : taken)
            bytes += bytes_of(event);
        return waiting_bytes_.fetch_sub(bytes, std::memory_order_relaxed) >= kMostBytes;
    }

private:
    [[nodiscard]] static std::size_t bytes_of(const Event& event) {
        const auto* const arrived = std::get_if<Arrived>(&event);
        return arrived ? sizeof(Event) + arrived->channel.size() + arrived->body.size() : 0;
    }

    Mailbox<Event> mailbox_;
    std::atomic<std::size_t> waiting_bytes_{0};
};

}  // namespace roomcast::rabbitmq

// SPDX-License-Identifier: Apache-2.0
// The thread of the broker on NATS: it owns the connection, and waits where the library blocks.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "brokers/home_side.hpp"
#include "brokers/nats_connection.hpp"
#include "brokers/nats_interests.hpp"
#include "brokers/nats_options.hpp"
#include "brokers/nats_refusals.hpp"
#include "brokers/nats_reports.hpp"
#include "brokers/nats_subject.hpp"
#include "model/channel_name.hpp"
#include "net/backoff.hpp"
#include "util/clock.hpp"

namespace roomcast {

struct NatsPublish {
    std::optional<PublishTicket> ticket;  // none: nobody waits for the answer
    std::string subject;
    std::string body;
    SteadyTime queued_at;
};

struct NatsSubscribe {
    ChannelName channel;
    std::uint64_t attempt = 0;  // of HomeSide
};

struct NatsUnsubscribe {
    ChannelName channel;
};

using NatsTask = std::variant<NatsPublish, NatsSubscribe, NatsUnsubscribe>;

struct NatsFigures {
    std::atomic<std::uint64_t> connections_lost{0};
    std::atomic<std::uint64_t> calls_failed{0};
    std::atomic<std::uint64_t> dropped_messages{0};  // by the library
    std::atomic<std::uint64_t> round_trip_us{0};
};

/// Takes tasks in the order of the calls, gives all that wait to the library, and asks for one
/// round trip that confirms them together. A round trip that does not come back in time, like any
/// other fault, ends the connection: what waits is refused, a new one is made, and each channel
/// that was live is told that something may be missing.
class NatsWorker final : public std::enable_shared_from_this<NatsWorker>, private NatsEvents {
public:
    explicit NatsWorker(NatsBrokerOptions options);
    ~NatsWorker() override;
    NatsWorker(const NatsWorker&) = delete;
    NatsWorker& operator=(const NatsWorker&) = delete;

    void start(NatsReports& reports);
    /// Nothing is reported once this has begun to return. Waits for the thread, but not for ever:
    /// one that the library holds in a TLS handshake goes on by itself, and ends after that.
    void stop();

    // From any thread:

    void post(NatsTask task);

    [[nodiscard]] bool is_connected() const { return is_connected_; }

    [[nodiscard]] std::size_t max_payload() const { return max_payload_; }

    /// Bytes of publications that wait.
    [[nodiscard]] std::size_t waiting_bytes() const { return waiting_bytes_; }

    [[nodiscard]] const NatsFigures& figures() const { return figures_; }

private:
    using Tasks = std::vector<NatsTask>;
    using Accepted = Result<std::optional<PublishReceipt>>;
    struct Batch;

    // NatsEvents, on the library's threads
    void on_message(const NatsMessage& message) override;
    void on_dropped(std::string_view subject, std::uint64_t messages) override;
    void on_complaint(std::string_view text) override;
    void on_closed(std::string_view reason) override;

    // the thread's
    void run();
    [[nodiscard]] bool is_stopping();
    [[nodiscard]] bool connect();
    [[nodiscard]] NatsProblem try_server(const NatsServer& server);
    [[nodiscard]] NatsProblem settle();
    void begin_anew();
    [[nodiscard]] NatsProblem check_rights();
    [[nodiscard]] NatsProblem subscribe_all();
    void lose(const NatsFailure& failure);
    void drop_connection();
    void wait_offline(std::chrono::milliseconds time);
    void take_offline(std::span<const NatsTask> tasks);
    [[nodiscard]] NatsProblem serve();
    [[nodiscard]] NatsProblem serve(std::span<const NatsTask> tasks);
    [[nodiscard]] NatsProblem retry_refused();
    [[nodiscard]] NatsProblem take(Batch& batch, const NatsPublish& publish);
    [[nodiscard]] NatsProblem take(Batch& batch, const NatsSubscribe& subscribe);
    [[nodiscard]] NatsProblem take(Batch& batch, const NatsUnsubscribe& unsubscribe);
    void finish(const Batch& batch, bool is_accepted);
    [[nodiscard]] NatsProblem flush(std::chrono::milliseconds timeout);
    [[nodiscard]] Tasks wait_for_tasks(SteadyTime until);
    [[nodiscard]] Tasks take_queue();

    [[nodiscard]] NatsProblem subscribe(const std::string& subject);

    // `..._locked`, and where said so: the caller holds the lock of reports
    void note_refusal(const NatsComplaint& complaint);
    void answer(const NatsPublish& publish, const Accepted& result);
    void tell_state(bool is_connected, const std::string& detail);
    void tell_state_locked(bool is_connected, const std::string& detail);

    template <class Report>
    void report(const Report& report);

    const NatsBrokerOptions options_;
    const NatsSubjects subjects_;
    const std::string control_subject_;
    std::thread thread_;

    // the thread's
    std::unique_ptr<NatsConnection> connection_;
    std::size_t next_server_ = 0;
    net::Backoff backoff_;
    SteadyTime next_retry_{};

    // A lock of its own: the thread waits for tasks with a deadline, and for the library's word.
    std::mutex queue_mutex_;
    std::condition_variable queue_changed_;
    Tasks queue_;
    std::optional<std::string> closed_because_;
    bool is_stopping_ = false;
    bool has_ended_ = false;

    // A lock, because the library's threads report as well as this one, until stop().
    std::mutex report_mutex_;
    NatsReports* reports_ = nullptr;
    /// Changed by the thread alone, which therefore reads it without the lock.
    NatsInterests interests_;
    NatsRefusals refusals_;
    std::pair<bool, std::string> told_state_{true, {}};

    std::atomic<bool> is_connected_{false};
    std::atomic<std::size_t> max_payload_{0};
    std::atomic<std::size_t> waiting_bytes_{0};
    NatsFigures figures_;
};

}  // namespace roomcast

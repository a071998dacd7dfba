// SPDX-License-Identifier: Apache-2.0
#include "brokers/nats_worker.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <pthread.h>

#include "util/log.hpp"
#include "util/random.hpp"

namespace roomcast {

namespace {

using std::chrono::milliseconds, std::chrono::steady_clock;

/// What one round trip confirms at most: small enough for a slow line to carry it in time.
constexpr std::size_t kBatchTasks = 4'096;
constexpr std::size_t kBatchBytes = 262'144;
/// Longer than a connection attempt takes.
constexpr std::chrono::seconds kStopPatience{4};

}  // namespace

/// Of one round trip.
struct NatsWorker::Batch {
    std::vector<const NatsPublish*> published;
    std::vector<std::string> subscribed;  // subjects
    std::size_t tasks = 0;
    std::size_t bytes = 0;
    SteadyTime deadline;

    [[nodiscard]] bool is_full() const { return tasks >= kBatchTasks || bytes >= kBatchBytes; }

    [[nodiscard]] bool is_awaited() const { return !published.empty() || !subscribed.empty(); }
};

NatsWorker::NatsWorker(NatsBrokerOptions options)
    : options_(std::move(options)),
      subjects_(options_.prefix),
      control_subject_(subjects_.control()),
      backoff_(random_u64()) {}

NatsWorker::~NatsWorker() = default;

void NatsWorker::start(NatsReports& reports) {
    reports_ = &reports;
    thread_ = std::thread([self = shared_from_this()] { self->run(); });
}

void NatsWorker::stop() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(report_mutex_);
        reports_ = nullptr;
        is_connected_ = false;
    }
    std::unique_lock lock(queue_mutex_);
    is_stopping_ = true;
    queue_changed_.notify_all();
    const bool is_over =
        queue_changed_.wait_for(lock, kStopPatience, [this] { return has_ended_; });
    lock.unlock();
    if (is_over) return thread_.join();
    log::warn("the NATS library holds its thread: it is left behind");
    thread_.detach();
}

void NatsWorker::post(NatsTask task) {
    if (const auto* publish = std::get_if<NatsPublish>(&task)) {
        waiting_bytes_.fetch_add(publish->body.size(), std::memory_order_relaxed);
    }
    const std::lock_guard lock(queue_mutex_);
    queue_.push_back(std::move(task));
    if (queue_.size() == 1) queue_changed_.notify_all();
}

template <class Report>
void NatsWorker::report(const Report& report) {
    const std::lock_guard lock(report_mutex_);
    if (reports_) report(*reports_);
}

// ---- on the library's threads ----

void NatsWorker::on_message(const NatsMessage& message) {
    report([&](NatsReports& reports) {
        if (message.subject == control_subject_) return reports.on_control(message.body);
        interests_.on_message(
            message.subject, message.subscription, message.body, message.has_followers, &reports);
    });
}

void NatsWorker::on_dropped(std::string_view subject, std::uint64_t messages) {
    figures_.dropped_messages.fetch_add(messages, std::memory_order_relaxed);
    static log::RateLimit limit(1, std::chrono::seconds(10));
    if (const auto suppressed = limit.admit()) {
        log::warn("messages of NATS were dropped, because this node took them too slowly",
                  {{"subject", subject}, {"messages", messages}, {"suppressed", *suppressed}});
    }
    report([&](NatsReports& reports) { interests_.on_gap(subject, &reports); });
}

void NatsWorker::on_complaint(std::string_view text) {
    figures_.calls_failed.fetch_add(1, std::memory_order_relaxed);
    static log::RateLimit limit(5, std::chrono::seconds(10));
    if (const auto suppressed = limit.admit()) {
        log::error("the NATS server refuses something",
                   {{"error", text}, {"suppressed", *suppressed}});
    }
    report([&](NatsReports& reports) {
        (void)refusals_.is_news(std::string(text));  // what finish() finds is known by then
        const NatsComplaint complaint = parse_nats_complaint(text);
        note_refusal(complaint);
        interests_.on_gap(complaint.subject, &reports);
    });
}

void NatsWorker::on_closed(std::string_view reason) {
    const std::lock_guard lock(queue_mutex_);
    closed_because_ = reason;
    queue_changed_.notify_all();
}

/// With the lock of reports.
void NatsWorker::note_refusal(const NatsComplaint& complaint) {
    if (complaint.is_about_publishing) {
        refusals_.refuse_publishing(complaint.subject);
    } else {
        interests_.refuse(complaint.subject);
    }
}

// ---- the thread: connecting ----

void NatsWorker::run() {
    (void)::pthread_setname_np(::pthread_self(), "roomcast-nats");  // only a name
    while (!is_stopping()) {
        if (!connect()) continue;
        if (const NatsProblem problem = serve()) lose(*problem);
    }
    drop_connection();
    NatsConnection::release_thread();
    const std::lock_guard lock(queue_mutex_);
    has_ended_ = true;
    queue_changed_.notify_all();
}

bool NatsWorker::is_stopping() {
    const std::lock_guard lock(queue_mutex_);
    return is_stopping_;
}

/// One attempt with each server. After a failure it has waited before it returns.
bool NatsWorker::connect() {
    NatsFailure all{.text = {}, .is_configuration = true};
    for (std::size_t i = 0; i < options_.servers.size(); ++i) {
        const NatsServer& server = options_.servers[next_server_];
        const NatsProblem problem = try_server(server);
        if (!problem) return true;
        if (is_stopping()) return false;
        next_server_ = (next_server_ + 1) % options_.servers.size();
        all.text += (all.text.empty() ? "" : "; ") + to_text(server) + ": " + problem->text;
        all.is_configuration = all.is_configuration && problem->is_configuration;
        take_offline(take_queue());
    }
    tell_state(false, all.text);
    wait_offline(backoff_.next(all.is_configuration));
    return false;
}

NatsProblem NatsWorker::try_server(const NatsServer& server) {
    auto opened = NatsConnection::open({.server = server,
                                        .creds_file = options_.creds_file,
                                        .ca_file = options_.ca_file,
                                        .connect_timeout = options_.publish_timeout,
                                        .write_timeout = options_.publish_timeout / 4,
                                        .pending_messages = options_.pending_messages},
                                       *this);
    if (!opened) return opened.error();
    connection_ = *std::move(opened);
    max_payload_ = connection_->max_payload();
    if (auto problem = settle()) {
        drop_connection();
        return problem;
    }
    backoff_.on_ready(steady_clock::now());
    const std::lock_guard lock(report_mutex_);
    is_connected_ = reports_ != nullptr;
    interests_.confirm_all(reports_);
    tell_state_locked(true, to_text(server));
    return std::nullopt;
}

/// All interests, and whether this login has the rights that it needs.
NatsProblem NatsWorker::settle() {
    begin_anew();
    if (auto problem = check_rights()) return problem;
    return subscribe_all();
}

void NatsWorker::begin_anew() {
    const std::lock_guard lock(report_mutex_);
    refusals_ = {};
    interests_.begin_anew();
}

NatsProblem NatsWorker::check_rights() {
    const auto control = connection_->subscribe(control_subject_);
    if (!control) return control.error();
    if (auto problem = connection_->publish(subjects_.probe(), {})) return problem;
    if (auto problem = flush(options_.publish_timeout)) return problem;
    return connection_->refused();
}

NatsProblem NatsWorker::subscribe_all() {
    std::size_t count = 0;
    for (const std::string& subject : interests_.subjects()) {
        if (auto problem = subscribe(subject)) return problem;
        if (++count % kBatchTasks != 0) continue;
        if (auto problem = flush(options_.publish_timeout)) return problem;
    }
    return flush(options_.publish_timeout);
}

void NatsWorker::lose(const NatsFailure& failure) {
    is_connected_ = false;
    figures_.connections_lost.fetch_add(1, std::memory_order_relaxed);
    {
        const std::lock_guard lock(report_mutex_);
        tell_state_locked(false, to_text(options_.servers[next_server_]) + ": " + failure.text);
    }
    take_offline(take_queue());
    drop_connection();
    backoff_.on_lost(steady_clock::now());
    wait_offline(backoff_.next(failure.is_configuration));
}

void NatsWorker::drop_connection() {
    connection_.reset();
    const std::lock_guard lock(queue_mutex_);
    closed_because_.reset();
}

void NatsWorker::wait_offline(milliseconds time) {
    const SteadyTime end = steady_clock::now() + time;
    while (!is_stopping() && steady_clock::now() < end)
        take_offline(wait_for_tasks(end));
}

void NatsWorker::take_offline(std::span<const NatsTask> tasks) {
    for (const NatsTask& task : tasks) {
        if (const auto* publish = std::get_if<NatsPublish>(&task)) {
            answer(*publish, Errc::unavailable);
        } else if (const auto* subscribe = std::get_if<NatsSubscribe>(&task)) {
            const std::lock_guard lock(report_mutex_);
            interests_.add(
                subjects_.of(subscribe->channel), subscribe->channel, subscribe->attempt);
        } else {
            const std::lock_guard lock(report_mutex_);
            interests_.remove(subjects_.of(std::get<NatsUnsubscribe>(task).channel));
        }
    }
}

// ---- the thread: connected ----

/// Until the connection is lost, which is the problem; or until stop(), which is none.
NatsProblem NatsWorker::serve() {
    while (true) {
        const Tasks tasks = wait_for_tasks(steady_clock::now() + options_.ping_interval);
        NatsProblem problem;
        {
            const std::lock_guard lock(queue_mutex_);
            if (is_stopping_) return std::nullopt;
            if (closed_because_) problem = NatsFailure{.text = *closed_because_};
        }
        if (!problem) problem = retry_refused();
        if (problem) {
            take_offline(tasks);
        } else {
            problem = tasks.empty() ? flush(options_.publish_timeout) : serve(tasks);
        }
        if (problem) return problem;
    }
}

/// Rights can be given while a connection lasts. Whoever is not refused again until the next time
/// is heard.
NatsProblem NatsWorker::retry_refused() {
    if (steady_clock::now() < next_retry_) return std::nullopt;
    next_retry_ = steady_clock::now() + options_.retry_refused;
    std::vector<std::string> refused;
    {
        const std::lock_guard lock(report_mutex_);
        refusals_.forgive();
        refused = interests_.take_refused(reports_);
    }
    for (const std::string& subject : refused) {
        connection_->unsubscribe(subject);
        if (auto problem = subscribe(subject)) return problem;
    }
    return std::nullopt;
}

NatsProblem NatsWorker::serve(std::span<const NatsTask> tasks) {
    while (!tasks.empty()) {
        Batch batch;
        batch.deadline = steady_clock::now() + options_.publish_timeout;
        NatsProblem problem;
        while (!problem && batch.tasks < tasks.size() && !batch.is_full()) {
            problem =
                std::visit([&](const auto& task) { return take(batch, task); }, tasks[batch.tasks]);
            ++batch.tasks;
        }
        if (!problem && batch.is_awaited()) {
            problem = flush(std::chrono::ceil<milliseconds>(batch.deadline - steady_clock::now()));
        }
        finish(batch, !problem);
        tasks = tasks.subspan(batch.tasks);
        if (!problem) continue;
        take_offline(tasks);
        return problem;
    }
    return std::nullopt;
}

NatsProblem NatsWorker::take(Batch& batch, const NatsPublish& publish) {
    const SteadyTime deadline = publish.queued_at + options_.publish_timeout;
    // So late, the answer might not come back in time; and that would look like a broken line.
    if (deadline - steady_clock::now() < options_.publish_timeout / 4) {
        figures_.calls_failed.fetch_add(1, std::memory_order_relaxed);
        answer(publish, Errc::unavailable);
        return std::nullopt;
    }
    auto problem = connection_->publish(publish.subject, publish.body);
    if (problem && problem->is_too_large) {
        answer(publish, Errc::limit);
        return std::nullopt;
    }
    batch.deadline = std::min(batch.deadline, deadline);
    batch.bytes += publish.body.size();
    batch.published.push_back(&publish);
    return problem;
}

NatsProblem NatsWorker::take(Batch& batch, const NatsSubscribe& subscribe) {
    std::string subject = subjects_.of(subscribe.channel);
    bool is_new = false;
    {
        const std::lock_guard lock(report_mutex_);
        is_new = interests_.add(subject, subscribe.channel, subscribe.attempt);
        if (interests_.is_live(subject)) {
            interests_.confirm(subject, reports_);
            return std::nullopt;
        }
    }
    // A channel that is refused is asked for again in its time.
    NatsProblem problem;
    if (is_new) problem = this->subscribe(subject);
    batch.bytes += subject.size();
    batch.subscribed.push_back(std::move(subject));
    return problem;
}

NatsProblem NatsWorker::take(Batch& /*batch*/, const NatsUnsubscribe& unsubscribe) {
    const std::string subject = subjects_.of(unsubscribe.channel);
    {
        const std::lock_guard lock(report_mutex_);
        interests_.remove(subject);
    }
    connection_->unsubscribe(subject);
    return std::nullopt;
}

void NatsWorker::finish(const Batch& batch, bool is_accepted) {
    const NatsProblem refusal = is_accepted ? connection_->refused() : std::nullopt;
    const std::lock_guard lock(report_mutex_);
    // The library keeps its last error: only a text that is new is news. (It also reports each one
    // by itself, but on another thread and perhaps later.)
    if (refusal && refusals_.is_news(refusal->text)) {
        note_refusal(parse_nats_complaint(refusal->text));
    }
    if (is_accepted) {
        for (const std::string& subject : batch.subscribed)
            interests_.confirm(subject, reports_);
    }
    std::vector<PublishTicket> taken;
    std::vector<PublishTicket> refused;
    for (const NatsPublish* publish : batch.published) {
        waiting_bytes_.fetch_sub(publish->body.size(), std::memory_order_relaxed);
        const bool is_taken = is_accepted && refusals_.may_publish(publish->subject);
        if (!is_taken) figures_.calls_failed.fetch_add(1, std::memory_order_relaxed);
        if (publish->ticket) (is_taken ? taken : refused).push_back(*publish->ticket);
    }
    if (!reports_) return;
    if (!taken.empty()) reports_->on_answers(taken, std::nullopt);
    if (!refused.empty()) reports_->on_answers(refused, Errc::unavailable);
}

NatsProblem NatsWorker::subscribe(const std::string& subject) {
    // With the lock of reports: a message may come before the number is noted.
    const std::lock_guard lock(report_mutex_);
    const auto number = connection_->subscribe(subject);
    if (!number) return number.error();
    interests_.set_subscription(subject, *number);
    return std::nullopt;
}

NatsProblem NatsWorker::flush(milliseconds timeout) {
    const SteadyTime start = steady_clock::now();
    auto problem = connection_->flush(std::max(timeout, milliseconds(1)));
    if (problem) return problem;
    const auto time =
        std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - start);
    figures_.round_trip_us.store(static_cast<std::uint64_t>(time.count()),
                                 std::memory_order_relaxed);
    report([](NatsReports& reports) { reports.on_round_trip(); });
    return std::nullopt;
}

// ---- what both have ----

NatsWorker::Tasks NatsWorker::wait_for_tasks(SteadyTime until) {
    std::unique_lock lock(queue_mutex_);
    queue_changed_.wait_until(
        lock, until, [this] { return is_stopping_ || closed_because_ || !queue_.empty(); });
    return std::exchange(queue_, {});
}

NatsWorker::Tasks NatsWorker::take_queue() {
    const std::lock_guard lock(queue_mutex_);
    return std::exchange(queue_, {});
}

void NatsWorker::answer(const NatsPublish& publish, const Accepted& result) {
    waiting_bytes_.fetch_sub(publish.body.size(), std::memory_order_relaxed);
    if (!publish.ticket) return;
    report([&](NatsReports& reports) { reports.on_answers({&*publish.ticket, 1}, result); });
}

void NatsWorker::tell_state(bool is_connected, const std::string& detail) {
    const std::lock_guard lock(report_mutex_);
    tell_state_locked(is_connected, detail);
}

void NatsWorker::tell_state_locked(bool is_connected, const std::string& detail) {
    const std::pair state(is_connected, detail);
    if (std::exchange(told_state_, state) != state && reports_) {
        reports_->on_state(is_connected, detail);
    }
}

}  // namespace roomcast

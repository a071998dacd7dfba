// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>

#include "load/cases.hpp"
#include "load/http_client.hpp"
#include "load/poll_until.hpp"

namespace roomcast::bench {

namespace {

/// Publishes over HTTP connections, each a stream of its own, and checks what the channel's one
/// subscriber gets of it. Without a subscriber the answers are all there is to check.
class Posting final : public HttpEvents, public FleetEvents {
public:
    Posting(const Options& options, Target target)
        : target_(target),
          payload_bytes_(options.traffic.payload_bytes),
          depth_(options.pipeline),
          stamps_(payload_bytes_),
          tracks_(options.traffic.publishers),
          next_(options.traffic.publishers) {
        if (options.is_subscribed) {
            subscriber_.emplace(target, *this, channel_names("r", 1), FleetPlan{});
            subscriber_->open(1);
        }
        for (std::uint32_t i = 0; i < options.traffic.publishers; ++i)
            clients_.push_back(std::make_unique<HttpClient>(target, *this));
    }

    void run(double seconds) {
        const Nanoseconds end = now_ns() + from_seconds(seconds);
        for (Nanoseconds now = now_ns(); now < end; now = now_ns()) {
            for (std::uint32_t i = 0; i < clients_.size(); ++i)
                keep_posting(i, now);
            target_.loop.poll(end);
        }
        poll_until(
            target_.loop, [this] { return answered_; }, posted_, "answers to HTTP requests");
    }

    /// Waits for what the subscriber has not got yet, and books what never comes.
    void finish() {
        if (!subscriber_) return;
        drain_all(
            target_.loop,
            [this] { return posted_ - tally_.delivered; },
            [this] { return tally_.delivered; });
        for (std::uint32_t i = 0; i < clients_.size(); ++i)
            tracks_[i].finish(next_[i], tally_);
    }

    void abort_all() {
        for (const auto& client : clients_)
            client->abort();
        if (subscriber_) subscriber_->abort_all();
    }

    [[nodiscard]] std::uint64_t answered() const { return answered_; }

    [[nodiscard]] Histogram& times() { return times_; }

    [[nodiscard]] const Tally& tally() const { return tally_; }

private:
    void keep_posting(std::uint32_t stream, Nanoseconds now) {
        HttpClient& client = *clients_[stream];
        while (client.unanswered() < depth_) {
            const Stamp stamp{.stream = stream, .sequence = next_[stream]++, .sent = 0};
            std::string body = R"({"channel":"r0","event":"m","payload":")";
            body.append(make_payload(stamp, payload_bytes_)).append(R"("})");
            client.post("/api/event", body, now);
            ++posted_;
        }
        client.flush();
    }

    void on_answered(Nanoseconds sent, Nanoseconds at) override {
        ++answered_;
        times_.record(at - sent);
    }

    void on_message(std::uint32_t /*reader*/,
                    std::string_view message,
                    Nanoseconds /*at*/) override {
        const auto stamp = stamps_.find(message);
        if (stamp && stamp->stream < tracks_.size()) {
            tracks_[stamp->stream].record(stamp->sequence, tally_);
        } else {
            ++tally_.stray;
        }
    }

    void on_reader_closed(std::uint32_t /*reader*/, std::string_view reason) override {
        give_up(std::string("the server closed the subscriber: ").append(reason));
    }

    Target target_;
    std::uint32_t payload_bytes_;
    std::uint32_t depth_;
    StampReader stamps_;
    std::vector<Track> tracks_;
    std::vector<std::uint32_t> next_;
    std::vector<std::unique_ptr<HttpClient>> clients_;
    std::optional<Fleet> subscriber_;
    std::uint64_t posted_ = 0;
    std::uint64_t answered_ = 0;
    Histogram times_;
    Tally tally_;
};

}  // namespace

void run_http(const Options& options, Target target, const ProcessStats& stats, Report& report) {
    Posting posting(options, target);
    posting.run(options.warmup_seconds);
    posting.times().clear();
    const std::uint64_t answered_before = posting.answered();
    const CpuSample before = stats.cpu();
    posting.run(options.seconds);
    const CpuSample used = stats.cpu() - before;
    const std::uint64_t answered = posting.answered() - answered_before;
    posting.finish();

    report.add("requests", answered);
    report.add_cpu(used, "request", answered);
    report.add_rate(answered, used.wall);
    report.add_times("latency", posting.times());
    report.add_tally(posting.tally());
    posting.abort_all();
}

}  // namespace roomcast::bench

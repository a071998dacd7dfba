// SPDX-License-Identifier: Apache-2.0
#include "brokers/nats_interests.hpp"

#include <utility>

namespace roomcast {

bool NatsInterests::add(const std::string& subject,
                        const ChannelName& channel,
                        std::uint64_t attempt) {
    const auto [place, is_new] = interests_.try_emplace(subject);
    Interest& interest = place->second;
    interest.channel = channel;
    interest.awaited_attempt = attempt;
    return is_new;
}

bool NatsInterests::is_live(const std::string& subject) const {
    const auto found = interests_.find(subject);
    return found != interests_.end() && found->second.is_live;
}

std::vector<std::string> NatsInterests::subjects() const {
    std::vector<std::string> all;
    all.reserve(interests_.size());
    for (const auto& entry : interests_)
        all.push_back(entry.first);
    return all;
}

void NatsInterests::set_subscription(const std::string& subject, std::int64_t number) {
    const auto found = interests_.find(subject);
    if (found != interests_.end()) found->second.subscription = number;
}

void NatsInterests::confirm(const std::string& subject, NatsReports* reports) {
    const auto found = interests_.find(subject);
    if (found != interests_.end()) confirm(found->second, reports);
}

void NatsInterests::confirm_all(NatsReports* reports) {
    for (auto& entry : interests_)
        confirm(entry.second, reports);
}

void NatsInterests::confirm(Interest& interest, NatsReports* reports) {
    if (interest.is_refused || interest.is_retried) return;
    interest.is_live = true;
    // Before those are confirmed who were not there when something was missed.
    const bool has_missed = std::exchange(interest.has_missed, false);
    const std::uint64_t attempt = std::exchange(interest.awaited_attempt, 0);
    if (!reports) return;
    if (has_missed) reports->on_gap(interest.channel);
    if (attempt != 0) reports->on_confirmed(interest.channel, attempt);
}

void NatsInterests::on_message(std::string_view subject,
                               std::int64_t subscription,
                               std::string_view body,
                               bool has_followers,
                               NatsReports* reports) {
    const auto found = interests_.find(subject);
    if (found == interests_.end()) return;
    Interest& interest = found->second;
    if (interest.subscription != subscription) return;  // left over by an earlier one
    // The server knows the subscription, even if the round trip that asks for that is under way:
    // who has subscribed and then published hears the echo.
    if (!interest.is_live) confirm(interest, reports);
    if (reports) reports->on_message(interest.channel, body, has_followers);
}

void NatsInterests::on_gap(std::string_view subject, NatsReports* reports) const {
    const auto found = interests_.find(subject);
    if (found != interests_.end() && reports) reports->on_gap(found->second.channel);
}

void NatsInterests::begin_anew() {
    for (auto& entry : interests_) {
        Interest& interest = entry.second;
        if (std::exchange(interest.is_live, false)) interest.has_missed = true;
        interest.is_refused = false;
        interest.is_retried = false;
    }
}

void NatsInterests::refuse(std::string_view subject) {
    const auto found = interests_.find(subject);
    if (found == interests_.end()) return;
    Interest& interest = found->second;
    if (std::exchange(interest.is_live, false)) interest.has_missed = true;
    interest.is_refused = true;
    interest.is_retried = false;
}

std::vector<std::string> NatsInterests::take_refused(NatsReports* reports) {
    std::vector<std::string> subjects;
    for (auto& [subject, interest] : interests_) {
        if (std::exchange(interest.is_retried, false)) confirm(interest, reports);
        if (!std::exchange(interest.is_refused, false)) continue;
        interest.is_retried = true;
        subjects.push_back(subject);
    }
    return subjects;
}

}  // namespace roomcast

// SPDX-License-Identifier: Apache-2.0
// A session and its token: refreshed, announced and ended by the wall clock.
#include <algorithm>
#include <string>
#include <utility>

#include "core/session.hpp"
#include "core/shard.hpp"
#include "util/assert.hpp"

namespace roomcast {

namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kAnnouncedBeforeMs = 30'000;
/// The wall clock is looked at again this often: it may have been set.
constexpr std::int64_t kLookAgainMs = 60'000;

}  // namespace

void Session::carry_out(RequestId& id, const RefreshCommand& command) {
    if (!verifier_) {
        return refuse(Errc::invalid_token, "this server does not use tokens (JWT is off)", id, {});
    }
    count_command();
    // The session may end before the answer: its id is looked up then.
    verifier_->verify(std::string(command.token),
                      [&shard = shard_, session = id_, id = std::move(id)](VerifyResult result) {
                          Session* const asked = shard.sessions().find(session);
                          if (asked) asked->on_verified(id, std::move(result));
                      });
}

void Session::on_verified(const RequestId& id, VerifyResult result) {
    shard_.wake_clock();
    count_answers(1);
    if (!result) return refuse(Errc::invalid_token, result.error(), id, {});
    if (result->user_id != identity_.user_id) {
        return refuse(Errc::wrong_user, "the token is of another user", id, {});
    }
    identity_ = std::move(*result);
    withdraw_rights();
    if (!id.empty()) push(shard_.services().dialect.encode_ack(id, shard_.wall_ms()));
    is_expiry_announced_ = false;
    schedule_expiry();
}

void Session::withdraw_rights() {
    // Backwards: a tie that is dropped gets the last one's content, which was looked at before.
    for (std::size_t i = ties_.size(); i-- > 0;) {
        Tie& tie = ties_[i];
        const ChannelName channel = tie.channel;
        if (tie.is_joined && !identity_.rights.allow(Right::presence, channel.text())) {
            leave_presence(tie, milliseconds(0), false);
        }
        const bool is_listening = tie.wanted != kListenNothing || tie.applied != kListenNothing;
        if (is_listening && !identity_.rights.allow(Right::subscribe, channel.text())) {
            if (tie.in_flight > 0 || tie.wanted != tie.applied) {
                shard_.post().to_home(channel, ForgetSession{channel, id_, Errc::forbidden});
            }
            tie.valid_from = ++serial_;
            want(tie, kListenNothing);
            apply(tie, kListenNothing);
            push(shard_.services().dialect.encode_unsubscribed({}, channel, Errc::forbidden));
        }
        drop_if_loose(tie);
    }
}

void Session::schedule_expiry() {
    shard_.timers().cancel(expiry_timer_);
    if (!close_on_expiry_ || !identity_.expires_at) return;
    const std::int64_t ends_ms = ends_at_ms(*identity_.expires_at);
    const std::int64_t due_ms =
        is_versioned_ && !is_expiry_announced_ ? announced_at_ms(ends_ms) : ends_ms;
    const std::int64_t wait_ms =
        std::clamp<std::int64_t>(due_ms - shard_.wall_ms(), 0, kLookAgainMs);
    expiry_timer_ =
        shard_.timers().add(shard_.now() + milliseconds(wait_ms), [this] { on_expiry_due(); });
}

std::int64_t Session::ends_at_ms(std::int64_t unix_seconds) {
    // A token may claim any number.
    constexpr std::int64_t kMost = INT64_MAX / 2'000;
    return std::clamp<std::int64_t>(unix_seconds, 0, kMost) * 1'000;
}

std::int64_t Session::announced_at_ms(std::int64_t ends_ms) const {
    const std::int64_t life_ms =
        std::max<std::int64_t>(ends_ms - ends_at_ms(identity_.issued_at), 0);
    return ends_ms - std::min(kAnnouncedBeforeMs, life_ms / 2);
}

void Session::on_expiry_due() {
    ASSERT(identity_.expires_at.has_value());  // or schedule_expiry() had set no timer
    const std::int64_t now_ms = shard_.wall_ms();
    const std::int64_t ends_ms = ends_at_ms(*identity_.expires_at);
    if (now_ms >= ends_ms) {
        return close(CloseCode::token_expired, "token expired", EndReason::lost);
    }
    if (is_versioned_ && !is_expiry_announced_ && now_ms >= announced_at_ms(ends_ms)) {
        is_expiry_announced_ = true;
        push(shard_.services().dialect.encode_token_expiring(*identity_.expires_at));
    }
    schedule_expiry();
}

}  // namespace roomcast

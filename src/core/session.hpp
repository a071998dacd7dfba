// SPDX-License-Identifier: Apache-2.0
// One client's conversation: its commands checked, limited and answered, its subscriptions held.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/entries.hpp"
#include "core/outlet.hpp"
#include "core/rate_limiter.hpp"
#include "model/identity.hpp"
#include "model/ids.hpp"
#include "model/limits.hpp"
#include "protocol/command.hpp"
#include "util/timer_queue.hpp"

namespace roomcast {

class Shard;
struct LocalChannel;
struct MergedPresence;

/// How a session ended: decides when its presence leaves (docs/protocol.md, section 3.3).
enum class EndReason : std::uint8_t {
    closed_by_client,  // a close frame: leave after presence_leave_grace
    lost,              // the link broke or was closed by us: after presence_lost_grace
    closed_by_api,     // at once
};

struct SessionOptions {
    Identity identity;
    /// The connection asked for `roomcast.v1`: it is told things unasked.
    bool is_versioned = false;
    /// Verifies the token of a `refresh`; none in development mode.
    TokenVerifier* verifier = nullptr;
    /// Whether the connection ends with its token (JWT_CLOSE_ON_EXPIRY).
    bool close_on_expiry = true;
    std::string peer;  // for people: address and port
};

/// Lives on its shard, where every function is called. Owned by a gateway's connection, which is
/// also its outlet and outlives it.
class Session {
public:
    /// Registers at the shard; a versioned connection is sent `welcome` from within.
    Session(Shard& shard, Outlet& outlet, SessionOptions options);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Takes one client message of checked UTF-8, at most Limits::message_bytes, with
    /// json::kJsonPadding readable bytes behind it. Never throws; what is wrong with it is
    /// answered.
    void on_text(std::string_view text);

    /// Leaves all channels. The outlet is not called afterwards. Idempotent, the first reason
    /// counts; also called from within when the session closes its outlet itself.
    void end(EndReason reason);

    [[nodiscard]] SessionId id() const { return id_; }

    [[nodiscard]] const std::string& user_id() const { return identity_.user_id; }

    [[nodiscard]] const std::string& peer() const { return peer_; }

    [[nodiscard]] const Identity& identity() const { return identity_; }

    [[nodiscard]] bool is_versioned() const { return is_versioned_; }

    [[nodiscard]] bool is_ended() const { return is_ended_; }

    [[nodiscard]] std::int64_t connected_at_ms() const { return connected_at_ms_; }

    [[nodiscard]] std::size_t subscription_count() const { return subscription_count_; }

    [[nodiscard]] std::size_t queued_bytes() const { return outlet_.queued_bytes(); }

    [[nodiscard]] bool listens_to(const ChannelName& channel) const;

    // For core only, called by the shard with what comes back from a channel's home.
    void on_subscribed(Subscribed answer);
    void on_subscribe_failed(const SubscribeFailed& answer);
    void on_unsubscribed(const Unsubscribed& answer);
    void on_answer(Answer answer);
    void on_publish_refused(const Publish& publish);
    /// The local member list moved this session's entry to `position`.
    void on_member_moved(std::uint32_t tie, ListenSet list, std::uint32_t position);
    /// Closes the connection with 4403; its presence leaves at once.
    void disconnect();

private:
    /// What ties this session to one channel: its subscription, its presence, or both.
    struct Tie {
        ChannelName channel;
        LocalChannel* local = nullptr;         // while `applied` is not empty
        std::uint32_t name_hash = 0;           // finds a tie without a look at the name
        std::uint32_t valid_from = 0;          // answers to older commands are stale
        std::uint32_t broadcast_position = 0;  // in the local member lists, where applied
        std::uint32_t presence_position = 0;
        std::uint16_t in_flight = 0;         // listen commands whose one answer has not come
        ListenSet wanted = kListenNothing;   // as last asked for
        ListenSet applied = kListenNothing;  // as last confirmed
        bool is_joined = false;              // presence, as last asked for

        [[nodiscard]] std::uint32_t& position(ListenSet list) {
            return list == kListenBroadcast ? broadcast_position : presence_position;
        }
    };

    void carry_out(RequestId& id, const SubscribeCommand& command);
    void carry_out(RequestId& id, const UnsubscribeCommand& command);
    void carry_out(RequestId& id, const BroadcastCommand& command);
    void carry_out(RequestId& id, const PresenceSetCommand& command);
    void carry_out(RequestId& id, const PresenceLeaveCommand& command);
    void carry_out(RequestId& id, const PresenceGetCommand& command);
    void carry_out(RequestId& id, const PingCommand& command);
    void carry_out(RequestId& id, const RefreshCommand& command);

    [[nodiscard]] bool is_within_rate();
    void refuse_over_rate(const Outcome<Command, CommandError>& command);
    [[nodiscard]] bool check_right(Right right, const RequestId& id, const ChannelName& channel);
    void refuse(const CommandError& error);
    void refuse(Errc code, std::string message, const RequestId& id, const ChannelName& channel);
    void push(FramePtr frame);
    void close(CloseCode code, std::string_view text, EndReason reason);

    void count_command();
    void count_answers(std::uint32_t commands);

    [[nodiscard]] Tie* find_tie(const ChannelName& channel);
    [[nodiscard]] Tie& tie_to(const ChannelName& channel);
    void drop_if_loose(Tie& tie);
    void apply(Tie& tie, ListenSet listen);
    void want(Tie& tie, ListenSet listen);

    [[nodiscard]] static RateLimiter::Rate presence_rate(const Limits& limits);
    [[nodiscard]] std::chrono::milliseconds grace_after(EndReason reason) const;
    void leave_presence(Tie& tie, std::chrono::milliseconds grace, bool is_final);
    void send_presence(PresenceSet set);
    void merge_presence(PresenceSet set);
    [[nodiscard]] std::optional<PresenceSet> take_merged(const ChannelName& channel);
    void schedule_merged();
    void flush_merged();
    void end_merging();

    void on_verified(const RequestId& id, VerifyResult result);
    void withdraw_rights();
    void schedule_expiry();
    void on_expiry_due();
    [[nodiscard]] static std::int64_t ends_at_ms(std::int64_t unix_seconds);
    [[nodiscard]] std::int64_t announced_at_ms(std::int64_t ends_ms) const;

    Shard& shard_;
    Outlet& outlet_;
    SessionId id_;
    std::vector<Tie> ties_;
    RateLimiter rate_;
    RateLimiter presence_rate_;
    std::uint32_t serial_ = 0;  // of the last listen command
    std::uint32_t unanswered_ = 0;
    std::uint32_t subscription_count_ = 0;
    std::uint32_t presence_count_ = 0;
    bool is_versioned_;
    bool is_ended_ = false;
    bool is_reading_ = true;
    bool close_on_expiry_;
    bool is_expiry_announced_ = false;
    TimerId expiry_timer_;
    TokenVerifier* verifier_;
    Identity identity_;
    std::string peer_;
    std::int64_t connected_at_ms_ = 0;
    std::unique_ptr<MergedPresence> merged_;  // only while updates wait for the presence rate
};

}  // namespace roomcast

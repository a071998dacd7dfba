// SPDX-License-Identifier: Apache-2.0
// A hub whose shards take turns on the test's own thread, and clients that speak the native
// dialect.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/json.hpp"
#include "core/hub.hpp"
#include "core/session.hpp"
#include "protocol/native.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/recording_outlet.hpp"

namespace roomcast {

inline ChannelName channel_named(std::string_view name) {
    return *ChannelName::make(name);
}

/// Gives a message to a session as a gateway does: with readable bytes behind it.
inline void say(Session& session, std::string_view text) {
    std::string padded(text);
    padded.resize(text.size() + json::kJsonPadding);
    session.on_text(std::string_view(padded).substr(0, text.size()));
}

/// Broker, store and limits are the test's; the hub starts with the first client or settle().
class TestHub {
public:
    TestHub(Broker& broker,
            PresenceStore& store,
            const ManualClock& clock,
            Limits limits,
            ShardIndex shards)
        : limits_(limits),
          dialect_(limits_),
          clock_(clock),
          wakes_(shards, 0),
          hub_({.limits = limits_,
                .clock = clock,
                .dialect = dialect_,
                .broker = broker,
                .presence = store,
                .node_id = NodeId{0xabc},
                .node_name = "node-1",
                .server_version = "roomcast/test"},
               shards,
               [this](ShardIndex shard) { ++wakes_[shard]; }) {
        hub_.start();
    }

    [[nodiscard]] Hub& hub() { return hub_; }

    [[nodiscard]] Shard& shard(ShardIndex index) { return hub_.shard(index); }

    bool turn(ShardIndex shard) {
        const bool has_more = hub_.shard(shard).turn(clock_.steady());
        hub_.shard(shard).record_sent(clock_.steady());
        return has_more;
    }

    /// Lets all shards take turns until nothing is left to do but to wait for a timer.
    void settle() {
        bool has_work = true;
        while (has_work) {
            has_work = false;
            for (ShardIndex shard = 0; shard < hub_.shard_count(); ++shard) {
                wakes_[shard] = 0;
                has_work = turn(shard) || has_work;
            }
            for (const int wakes : wakes_)
                has_work = has_work || wakes > 0;
        }
    }

    /// A channel with that prefix whose home is `shard`.
    [[nodiscard]] ChannelName channel_at(ShardIndex shard, const std::string& prefix = "room") {
        for (int i = 0;; ++i) {
            ChannelName name = channel_named(prefix + std::to_string(i));
            if (hub_.home_of(name) == shard) return name;
        }
    }

private:
    const Limits limits_;
    const NativeDialect dialect_;
    const ManualClock& clock_;
    std::vector<int> wakes_;
    Hub hub_;
};

/// One connection. Goes like a lost link when it is destroyed.
class TestClient {
public:
    TestClient(TestHub& hub, ShardIndex shard, std::string user_id, SessionOptions options = {})
        : hub_(hub) {
        options.identity.user_id = std::move(user_id);
        options.peer = "127.0.0.1:1234";
        session_ = std::make_unique<Session>(hub.shard(shard), outlet_, std::move(options));
    }

    void say(std::string_view text) { roomcast::say(*session_, text); }

    /// Says it, lets all shards settle, and gives what was heard since the last look.
    std::vector<std::string> ask(std::string_view text) {
        say(text);
        hub_.settle();
        return outlet_.take();
    }

    std::vector<std::string> take() { return outlet_.take(); }

    void end(EndReason reason) { session_->end(reason); }

    [[nodiscard]] Session& session() { return *session_; }

    [[nodiscard]] RecordingOutlet& outlet() { return outlet_; }

private:
    TestHub& hub_;
    RecordingOutlet outlet_;
    std::unique_ptr<Session> session_;
};

}  // namespace roomcast

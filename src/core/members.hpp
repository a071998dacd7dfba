// SPDX-License-Identifier: Apache-2.0
// Who is present through this node: the connections of each user on each channel, their graces, and
// what the presence store has been told (docs/protocol.md, section 3.3).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/entries.hpp"
#include "model/channel_name.hpp"
#include "model/errc.hpp"
#include "model/presence_entry.hpp"
#include "util/hash.hpp"
#include "util/timer_queue.hpp"

namespace roomcast {

/// The members of the channels at home on one shard. For each user it knows what is wanted and what
/// is stored, and has at most one store operation under way to make the second like the first; what
/// is wanted may change meanwhile. A command is answered when a state that includes it is stored,
/// or with `unavailable`; what is wanted is then tried again until it is stored.
class Members {
public:
    explicit Members(Shard& shard) : shard_(shard) {}

    void set(PresenceSet& command);
    void leave(PresenceLeave& command);
    /// Users whose connections are all gone leave now.
    void end_graces();
    /// Tries again, without waiting any longer, what the store has refused.
    void retry();

    [[nodiscard]] std::size_t user_count(const ChannelName& channel) const;

    /// Calls `visit(channel, user count)` for each channel with members.
    template <class Visit>
    void for_each_channel(Visit visit) const {
        for (const auto& [channel, users] : channels_)
            visit(channel, users.size());
    }

private:
    enum class Stored : std::uint8_t { absent, present, unknown };

    struct User {
        std::vector<SessionId> connections;
        SteadyTime grace_until{};  // of connections that are gone
        TimerId grace;             // set while no connection is left
        TimerId retry;
        // wanted
        bool is_wanted = false;
        bool must_announce = false;  // an update is told even where it changes nothing
        MetaText meta;
        // stored
        Stored stored = Stored::absent;
        MetaText stored_meta;
        // under way
        bool is_in_flight = false;
        bool is_leaving = false;
        MetaText meta_in_flight;
        std::vector<PresenceReply> waiting;
        std::vector<PresenceReply> replies_in_flight;
    };

    using Users = std::unordered_map<std::string, User, SeededStringHash, std::equal_to<>>;

    [[nodiscard]] User* find(const ChannelName& channel, const std::string& user_id);
    [[nodiscard]] static bool is_settled(const User& user);
    void want(User& user, bool is_wanted);
    void on_grace_over(const ChannelName& channel, const std::string& user_id);
    /// By value: the entry that holds the originals may go meanwhile.
    void step(ChannelName channel, std::string user_id);
    void on_stored(const ChannelName& channel, const std::string& user_id, Result<void> result);
    void reply_all(std::vector<PresenceReply>& replies,
                   const ChannelName& channel,
                   std::optional<Errc> error);
    void reply(const PresenceReply& reply, const ChannelName& channel, std::optional<Errc> error);

    Shard& shard_;
    std::unordered_map<ChannelName, Users, ChannelNameHash> channels_;
};

}  // namespace roomcast
